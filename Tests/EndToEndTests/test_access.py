"""Who gets a URL and who does not."""

import json
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness.tokens import base64url, encoded, hmac_by, token, token_of
from harness.ulids import ulid
from support.problems import ADVICE, assert_not_ready, assert_problem, path

HOUR = 3600


def assert_unauthorized(answer, track_id, came_with_token=True):
    assert_problem(answer, "unauthorized", path(track_id))
    challenge = answer.header("WWW-Authenticate")
    assert challenge.startswith("Bearer ")
    # RFC 6750 §3.1: no error code where no token came.
    assert ('error="invalid_token"' in challenge) == came_with_token
    assert ("error" in challenge) == came_with_token


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "},
        {"Authorization": "Basic dTpw"}],
    ids=["absent", "empty", "scheme alone", "scheme and space", "other scheme"])
def test_no_token_is_401_without_error_code(api, track, headers):
    assert_unauthorized(api.stream(track.id, headers=headers), track.id, came_with_token=False)


BAD_TOKENS = {
    "garbage": lambda mint, user: "garbage",
    "three parts of garbage": lambda mint, user: "a.b.c",
    "dots": lambda mint, user: "..",
    "expired": lambda mint, user: mint.hs256(user, exp=int(time.time()) - 1),
    "issued in an hour": lambda mint, user: mint.hs256(user, iat=int(time.time()) + HOUR),
    "expires now": lambda mint, user: mint.hs256(user, exp=int(time.time())),
    "not yet valid": lambda mint, user: mint.hs256(user, nbf=int(time.time()) + HOUR),
    "wrong key": lambda mint, user: mint.hs256(user, secret=b"another secret of at least 32 bytes."),
    "empty key": lambda mint, user: mint.hs256(user, secret=b""),
    "wrong audience": lambda mint, user: mint.hs256(user, aud="another-service"),
    "no audience": lambda mint, user: mint.hs256(user, aud=None),
    "empty audience": lambda mint, user: mint.hs256(user, aud=[]),
    "wrong issuer": lambda mint, user: mint.hs256(user, iss="https://evil.example"),
    "no issuer": lambda mint, user: mint.hs256(user, iss=None),
    "no expiry": lambda mint, user: mint.hs256(user, exp=None),
    "expiry is a string": lambda mint, user: mint.hs256(user, exp=str(int(time.time()) + HOUR)),
    "huge expiry": lambda mint, user: mint.hs256(user, exp=10**30),
    "negative expiry": lambda mint, user: mint.hs256(user, exp=-1),
    "no subject": lambda mint, user: mint.hs256(None),
    "subject is true": lambda mint, user: mint.hs256(True),
    "subject of 256 bytes": lambda mint, user: mint.hs256("x" * 256),
    "alg none": lambda mint, user: mint.unsigned(user),
    "alg NONE": lambda mint, user: mint.unsigned(user, alg="NONE"),
    "alg HS512": lambda mint, user: mint.hs256(user, header={"alg": "HS512", "typ": "JWT"}),
    "alg RS256 with the secret": lambda mint, user: mint.hs256(user, header={"alg": "RS256", "typ": "JWT"}),
    "no alg": lambda mint, user: mint.hs256(user, header={"typ": "JWT"}),
    "unknown kid": lambda mint, user: mint.hs256(user, header={"alg": "HS256", "kid": "unknown"}),
    "crit": lambda mint, user: mint.hs256(user, header={"alg": "HS256", "crit": ["exp"]}),
    "logout token": lambda mint, user: mint.hs256(user, header={"alg": "HS256", "typ": "logout+jwt"}),
    "embedded jwk": lambda mint, user: mint.hs256(
        user, secret=b"0" * 32, header={"alg": "HS256", "jwk": {"kty": "oct", "k": base64url(b"0" * 32)}}),
    "jku": lambda mint, user: mint.hs256(
        user, secret=b"0" * 32, header={"alg": "HS256", "jku": "http://127.0.0.1/keys"}),
    "x5u": lambda mint, user: mint.hs256(
        user, secret=b"0" * 32, header={"alg": "HS256", "x5u": "http://127.0.0.1/cert"}),
    "no signature": lambda mint, user: mint.hs256(user).rpartition(".")[0] + ".",
    "cut signature": lambda mint, user: mint.hs256(user)[:-2],
    "padded": lambda mint, user: mint.hs256(user) + "=",
    "fourth part": lambda mint, user: mint.hs256(user) + ".x",
    "space inside": lambda mint, user: mint.hs256(user).replace(".", " .", 1),
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_bad_token_is_401_with_error_code(api, mint, track, kind):
    assert_unauthorized(api.stream(track.id, BAD_TOKENS[kind](mint, track.owner.id)), track.id)


def test_swapped_payload_is_401(api, mint, user, track):
    head, _, signature = user.token.split(".")
    forged = ".".join([head, encoded(mint.claims(user.id, exp=int(time.time()) + 10 * HOUR)), signature])
    assert_unauthorized(api.stream(track.id, forged), track.id)


def test_non_canonical_base64url_of_a_good_signature_is_401(api, user, track):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 32 bytes are 43 characters, the last of which has two bits to spare.
    last = alphabet[alphabet.index(user.token[-1]) | 1]
    assert last != user.token[-1]
    assert_unauthorized(api.stream(track.id, user.token[:-1] + last), track.id)


@pytest.mark.parametrize("twice", ["sub", "exp", "aud"])
def test_duplicate_claim_is_401(api, mint, stack, user, track, twice):
    claims = mint.claims(user.id)
    text = json.dumps(claims)[:-1] + f", {json.dumps(twice)}: {json.dumps(claims[twice])}}}"
    signed = token_of(base64url(text.encode()), hmac_by(stack["JWT_HS256_SECRET"].encode()), {"alg": "HS256"})
    assert_unauthorized(api.stream(track.id, signed), track.id)


def test_two_authorization_headers_are_refused(api, mint, user, track):
    headers = [("Authorization", f"Bearer {user.token}"), ("Authorization", f"Bearer {mint.hs256(ulid())}")]
    answer = api.request("POST", path(track.id), headers)
    assert answer.status in (400, 401)


GOOD_TOKENS = {
    "audience list": {"aud": ["other", "novatune-stream"]},
    "role as a string": {"roles": "listener"},
    "role in upper case": {"roles": ["LISTENER"]},
    "one role of several": {"roles": ["admin", "Listener"]},
    "not before now": {"nbf": int(time.time()) - 1},
    "no iat": {"iat": None},
    "6 KiB": {"note": "x" * 4500},
}


@pytest.mark.parametrize("kind", GOOD_TOKENS)
def test_unusual_but_good_token_is_200(api, mint, stack, track, kind):
    changes = {name: [stack["JWT_AUDIENCE"] if text == "novatune-stream" else text for text in value] if name == "aud"
        else value
               for name, value in GOOD_TOKENS[kind].items()}
    answer = api.stream(track.id, mint.hs256(track.owner.id, **changes))
    assert answer.status == 200, answer


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer "], ids=["lower case", "upper case", "two spaces"])
def test_scheme_is_case_insensitive_and_spaces_may_follow(api, user, track, scheme):
    assert api.stream(track.id, headers={"Authorization": f"{scheme} {user.token}"}).status == 200


def test_lower_case_subject_is_the_same_user(api, mint, user, track):
    assert api.stream(track.id, mint.hs256(user.id.lower())).status == 200


@pytest.mark.parametrize("roles", [None, [], "", ["admin"], ["listeners"], "listener,admin"], ids=str)
def test_token_without_the_role_is_403(api, mint, track, roles):
    answer = api.stream(track.id, mint.hs256(track.owner.id, roles=roles))
    assert_problem(answer, "forbidden", track.path)
    assert answer.header("WWW-Authenticate") is None


@pytest.mark.parametrize("status", ["Disabled", "PendingDeletion", "Suspended"])
def test_user_who_is_not_active_is_403(api, world, status):
    user = world.user(status)
    track = world.track(user)
    assert_problem(api.stream(track.id, user.token), "forbidden", track.path)


def test_suspended_user_is_403_for_every_track_id(api, world, track):
    user = world.user("Suspended")
    missing = ulid()
    assert_problem(api.stream(missing, user.token), "forbidden", path(missing))
    assert_problem(api.stream(track.id, user.token), "forbidden", track.path)


def test_user_without_a_row_is_403(api, world, track):
    assert_problem(api.stream(track.id, world.stranger().token), "forbidden", track.path)


@pytest.mark.parametrize("status", ["Ready", "Processing", "Failed", "Deleted"])
def test_track_of_another_user_is_403_whatever_its_status(api, world, user, status):
    track = world.track(world.user(), status)
    assert_problem(api.stream(track.id, user.token), "forbidden", track.path)


def test_demo_users_of_the_stack(api, stack):
    assert api.stream(stack["TRACK_BOB"], stack["TOKEN_ALICE"]).status == 403
    assert api.stream(stack["TRACK_BOB"], stack["TOKEN_BOB"]).status == 200
    assert api.stream(stack["TRACK_READY"], stack["TOKEN_SUSPENDED"]).status == 403
    assert api.stream(stack["TRACK_MISSING"], stack["TOKEN_ALICE"]).status == 404
    assert api.stream(stack["TRACK_PROCESSING"], stack["TOKEN_ALICE"]).status == 409
    assert api.stream(stack["TRACK_DELETED"], stack["TOKEN_ALICE"]).status == 409


def test_missing_track_is_404(api, user):
    missing = ulid()
    assert_problem(api.stream(missing, user.token), "track-not-found", path(missing))


@pytest.mark.parametrize("status", ADVICE)
@pytest.mark.parametrize("spelled", [str.upper, str.lower], ids=["upper", "lower"])
def test_track_that_is_not_ready_is_409_with_extensions(api, world, user, status, spelled):
    track = world.track(user, status)
    assert_not_ready(api.stream(spelled(track.id), user.token), spelled(track.id), status)


def es256(key):
    def sign(text):
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def integer(number):
    return base64url(number.to_bytes((number.bit_length() + 7) // 8))


def test_json_web_key_accepts_only_its_algorithm(api, stack, mint, user, track, tmp_path):
    rsa_key, ec_key, ed_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(
        ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    n, point = rsa_key.public_key().public_numbers(), ec_key.public_key().public_numbers()
    jwks = {"keys": [
        {"kty": "RSA", "kid": "r", "alg": "RS256", "use": "sig", "n": integer(n.n), "e": integer(n.e)},
        {"kty": "EC", "kid": "e", "alg": "ES256", "crv": "P-256", "x": base64url(point.x.to_bytes(32)),
            "y": base64url(point.y.to_bytes(32))},
        {"kty": "OKP", "kid": "d", "alg": "EdDSA", "crv": "Ed25519",
            "x": base64url(ed_key.public_key().public_bytes_raw())},
        {"kty": "oct", "kid": "h", "alg": "HS256", "k": base64url(b"h" * 32)},
    ]}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(jwks))
    signers = {
        "r": ("RS256", lambda text: rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA256())),
        "e": ("ES256", es256(ec_key)),
        "d": ("EdDSA", ed_key.sign),
        "h": ("HS256", hmac_by(b"h" * 32)),
    }
    claims = mint.claims(user.id)
    with stack.responder_with(NOVATUNE_JWT_KEYS_FILE=str(file)):
        for kid, (alg, sign) in signers.items():
            assert api.stream(track.id, token(claims, sign, {"alg": alg, "kid": kid})).status == 200, alg
            other = "ES256" if alg != "ES256" else "RS256"
            for header in ({"alg": other, "kid": kid}, {"alg": alg, "kid": "x"}, {"alg": "none", "kid": kid}):
                assert api.stream(track.id, token(claims, sign, header)).status == 401, header
        # The classic: the public key's text as the secret of an HMAC.
        for secret in (file.read_bytes(), n.n.to_bytes(256)):
            forged = token(claims, hmac_by(secret), {"alg": "HS256", "kid": "r"})
            assert api.stream(track.id, forged).status == 401
