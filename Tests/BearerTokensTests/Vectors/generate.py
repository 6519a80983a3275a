#!/usr/bin/env python3
"""Tokens for BearerTokensTests, made with the library `cryptography` and no JOSE library at all.

    generate.py    writes jwks.json, tokens.jsonl and providers.jsonl beside this file

Keys and ES256 signatures are random, so a second run makes other, equally good vectors. The private keys are thrown away: what is
needed of them is in the tokens.

Each token is {"tcId", "comment", "flags", "result", "outcome", "token"}, the first four as in Wycheproof's files: result is "valid" or
"invalid", outcome "accepted" or the rejection's code. The clock stands at 1767875400
(2026-01-08T12:30:00Z); issuer https://id.example.com, audience novatune-stream.
"""
import base64
import hashlib
import hmac
import json
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HERE = pathlib.Path(__file__).parent
NOW = 1767875400
HS_SECRET = bytes(range(32))

rsa_key = rsa.generate_private_key(65537, 2048)
other_rsa_key = rsa.generate_private_key(65537, 2048)
ec_key = ec.generate_private_key(ec.SECP256R1())
second_ec_key = ec.generate_private_key(ec.SECP256R1())
p384_key = ec.generate_private_key(ec.SECP384R1())
ed_key = ed25519.Ed25519PrivateKey.generate()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def compact(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def hs256(message, secret=HS_SECRET):
    return hmac.new(secret, message, hashlib.sha256).digest()


def rs256(message, key=rsa_key):
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def rs384(message):
    return rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA384())


def rs512(message):
    return rsa_key.sign(message, padding.PKCS1v15(), hashes.SHA512())


def ps256(message, salt=32, digest=hashes.SHA256, mask=hashes.SHA256):
    return rsa_key.sign(message, padding.PSS(padding.MGF1(mask()), salt), digest())


def es384(message):
    r, s = utils.decode_dss_signature(p384_key.sign(message, ec.ECDSA(hashes.SHA384())))
    return r.to_bytes(48, "big") + s.to_bytes(48, "big")


def es256_der(message, key=ec_key):
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def es256(message, key=ec_key):
    r, s = utils.decode_dss_signature(es256_der(message, key))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def eddsa(message):
    return ed_key.sign(message)


ALGORITHMS = {
    "HS256": ("hs", hs256), "RS256": ("rs", rs256), "RS384": ("rs384", rs384), "RS512": ("rs512", rs512),
    "PS256": ("ps", ps256), "ES256": ("es", es256), "ES384": ("es384", es384), "EdDSA": ("ed", eddsa),
}
CLAIMS = {
    "iss": "https://id.example.com",
    "aud": "novatune-stream",
    "sub": "01HXK5Z8J3QW9R7N2M4P6T8V0B",
    "iat": NOW - 60,
    "exp": NOW + 600,
    "roles": ["listener"],
}


def claims(**changes):
    changed = {**CLAIMS, **changes}
    return {name: value for name, value in changed.items() if value is not ...}


def token(header, payload, sign):
    signing_input = b64(compact(header)) + "." + b64(compact(payload))
    return signing_input + "." + b64(sign(signing_input.encode()))


def vectors():
    made = []

    def add(comment, outcome, text, *flags):
        made.append({"tcId": len(made) + 1, "comment": comment, "flags": list(flags) or [comment.split()[0]],
                     "result": "valid" if outcome == "accepted" else "invalid", "outcome": outcome, "token": text})

    for alg, (kid, sign) in ALGORITHMS.items():
        good = {"alg": alg, "kid": kid}

        def signed(header=good, payload=CLAIMS):
            return token(header, payload, sign)

        add(f"{alg} with kid", "accepted", signed())
        add(f"{alg} with typ", "accepted", signed({**good, "typ": "JWT"}))
        add(f"{alg} with at+jwt and unknown parameters", "accepted", signed({**good, "typ": "at+jwt", "x5t": "abc", "cty": "x"}))
        add(f"{alg} unknown kid", "unknown_key", signed({"alg": alg, "kid": "unknown"}))
        add(f"{alg} kid in another case", "unknown_key", signed({"alg": alg, "kid": kid.upper()}))
        add(f"{alg} kid empty", "unknown_key", signed({"alg": alg, "kid": ""}))
        add(f"{alg} kid a number", "malformed", signed({"alg": alg, "kid": 1}))
        add(f"{alg} kid null", "malformed", signed({"alg": alg, "kid": None}))
        add(f"{alg} typ a number", "malformed", signed({**good, "typ": 1}))
        for other_alg, (other_kid, _) in ALGORITHMS.items():
            if other_alg != alg:
                add(f"{alg} signature called {other_alg}", "unknown_key", signed({"alg": other_alg, "kid": kid}))
                add(f"{alg} with the kid of {other_alg}", "unknown_key", signed({"alg": alg, "kid": other_kid}))
                add(f"{alg} signature under key and name of {other_alg}", "bad_signature", signed({"alg": other_alg, "kid": other_kid}))
        for parameter in ("crit", "b64", "zip", "enc"):
            value = ["exp"] if parameter == "crit" else False if parameter == "b64" else "x"
            add(f"{alg} header with {parameter}", "forbidden_header", signed({**good, parameter: value}))
        for parameter in ("jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"):
            add(f"{alg} header with {parameter}", "accepted", signed({**good, parameter: "x"}))
        add(f"{alg} typ logout+jwt", "wrong_type", signed({**good, "typ": "logout+jwt"}))
        text = signed()
        head, payload, signature = text.split(".")
        for bit in (0, 7):
            raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
            raw[0 if bit == 0 else -1] ^= 1 << bit
            add(f"{alg} signature with bit {bit} flipped", "bad_signature", f"{head}.{payload}.{b64(bytes(raw))}")
        raw = base64.urlsafe_b64decode(signature + "==")
        add(f"{alg} signature cut", "bad_signature", f"{head}.{payload}.{b64(raw[:-1])}")
        add(f"{alg} signature with a byte more", "bad_signature", f"{head}.{payload}.{b64(raw + bytes(1))}")
        add(f"{alg} empty signature", "bad_signature", f"{head}.{payload}.")
        add(f"{alg} signature of zeros", "bad_signature", f"{head}.{payload}.{b64(bytes(len(raw)))}")
        other = b64(compact(claims(sub="01HXK5Z8J3QW9R7N2M4P6T8V0C")))
        add(f"{alg} payload exchanged", "bad_signature", f"{head}.{other}.{signature}")
        other = b64(compact({**good, "typ": "JWT"}))
        add(f"{alg} header exchanged", "bad_signature", f"{other}.{payload}.{signature}")

    add("HS256 without kid, checked with the only key of its algorithm", "accepted", token({"alg": "HS256"}, CLAIMS, hs256))
    add("RS256 without kid, checked with the only key of its algorithm", "accepted", token({"alg": "RS256"}, CLAIMS, rs256))
    add("EdDSA without kid, checked with the only key of its algorithm", "accepted", token({"alg": "EdDSA"}, CLAIMS, eddsa))
    add("ES256 without kid where two keys have its algorithm", "unknown_key", token({"alg": "ES256"}, CLAIMS, es256))
    second = token({"alg": "ES256", "kid": "es2"}, CLAIMS, lambda m: es256(m, second_ec_key))
    add("ES256 with the second key's kid", "accepted", second)
    add("ES256 signed by the second key with the first's kid", "bad_signature",
        token({"alg": "ES256", "kid": "es"}, CLAIMS, lambda m: es256(m, second_ec_key)))
    add("ES256 in DER", "bad_signature", token({"alg": "ES256", "kid": "es"}, CLAIMS, es256_der))
    n = int.from_bytes(bytes.fromhex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), "big")
    for name, r, s in (("r zero", 0, 1), ("s zero", 1, 0), ("r and s the order", n, n), ("all bits", 2**256 - 1, 2**256 - 1)):
        add(f"ES256 with {name}", "bad_signature",
            token({"alg": "ES256", "kid": "es"}, CLAIMS, lambda m, r=r, s=s: r.to_bytes(32, "big") + s.to_bytes(32, "big")))
    add("RS256 by another key", "bad_signature", token({"alg": "RS256", "kid": "rs"}, CLAIMS, lambda m: rs256(m, other_rsa_key)))
    add("RS256 with PSS padding", "bad_signature", token(
        {"alg": "RS256", "kid": "rs"}, CLAIMS,
        lambda m: rsa_key.sign(m, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())))
    add("RS256 over SHA-512", "bad_signature", token(
        {"alg": "RS256", "kid": "rs"}, CLAIMS, lambda m: rsa_key.sign(m, padding.PKCS1v15(), hashes.SHA512())))

    # The classic: the public key as an HMAC secret.
    public = rsa_key.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    modulus = public.public_numbers().n.to_bytes(256, "big")
    for name, secret in (("PEM", pem), ("DER", der), ("modulus", modulus)):
        add(f"RS256 key's {name} as HS256 secret, its kid", "unknown_key",
            token({"alg": "HS256", "kid": "rs"}, CLAIMS, lambda m, s=secret: hs256(m, s)))
        add(f"RS256 key's {name} as HS256 secret, kid of the HS256 key", "bad_signature",
            token({"alg": "HS256", "kid": "hs"}, CLAIMS, lambda m, s=secret: hs256(m, s)))
    add("HS256 with an empty secret", "bad_signature", token({"alg": "HS256", "kid": "hs"}, CLAIMS, lambda m: hs256(m, b"")))

    for alg in ("none", "None", "NONE", "nOnE", ""):
        add(f"alg {alg!r} without signature", "unknown_key", token({"alg": alg}, CLAIMS, lambda m: b""))
        add(f"alg {alg!r} with kid and signature", "unknown_key", token({"alg": alg, "kid": "hs"}, CLAIMS, hs256))
    add("HS384", "unknown_key",
        token({"alg": "HS384", "kid": "hs"}, CLAIMS, lambda m: hmac.new(HS_SECRET, m, hashlib.sha384).digest()))
    add("HS512", "unknown_key",
        token({"alg": "HS512", "kid": "hs"}, CLAIMS, lambda m: hmac.new(HS_SECRET, m, hashlib.sha512).digest()))
    add("RS512", "unknown_key",
        token({"alg": "RS512", "kid": "rs"}, CLAIMS, lambda m: rsa_key.sign(m, padding.PKCS1v15(), hashes.SHA512())))
    add("PS256", "unknown_key", token(
        {"alg": "PS256", "kid": "rs"}, CLAIMS,
        lambda m: rsa_key.sign(m, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())))
    add("ES384", "unknown_key",
        token({"alg": "ES384", "kid": "es"}, CLAIMS, lambda m: p384_key.sign(m, ec.ECDSA(hashes.SHA384()))))
    for alg in ("hs256", "Hs256", "HS256 ", "EDDSA", "eddsa", "Ed25519"):
        add(f"alg {alg!r}", "unknown_key", token({"alg": alg, "kid": "hs"}, CLAIMS, hs256))
    for alg in (1, None, True, ["HS256"], {"HS256": 1}):
        add(f"alg {json.dumps(alg)}", "malformed", token({"alg": alg, "kid": "hs"}, CLAIMS, hs256))
    add("no alg", "malformed", token({"kid": "hs"}, CLAIMS, hs256))
    add("alg 'none ' without signature", "unknown_key", token({"alg": "none "}, CLAIMS, lambda m: b""), "AlgNone")
    add("alg 'none ' with kid and signature", "unknown_key", token({"alg": "none ", "kid": "hs"}, CLAIMS, hs256), "AlgNone")
    confused_keys(add)
    rsa_forgeries(add)
    es256_forgeries(add)
    es384_forgeries(add)
    ps256_forgeries(add)
    eddsa_forgeries(add)
    return made


def confused_keys(add):
    """Every published form of the public keys, as the secret of an HS256 token."""
    for member in key_set()["keys"][1:]:
        for name, secret in (("JWK", compact(member)), ("x", base64.urlsafe_b64decode(member.get("x", "") + "==")),
                             ("x as text", member.get("x", "").encode())):
            if secret:
                for kid, outcome in ((member["kid"], "unknown_key"), ("hs", "bad_signature")):
                    add(f"{member['kid']} key's {name} as HS256 secret, kid {kid}", outcome,
                        token({"alg": "HS256", "kid": kid}, CLAIMS, lambda m, secret=secret: hs256(m, secret)), "KeyConfusion")
    for kid, key in (("es", ec_key), ("ed", ed_key)):
        for name, encoding in (("PEM", serialization.Encoding.PEM), ("DER", serialization.Encoding.DER)):
            secret = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
            add(f"{kid} key's {name} as HS256 secret", "bad_signature",
                token({"alg": "HS256", "kid": "hs"}, CLAIMS, lambda m, secret=secret: hs256(m, secret)), "KeyConfusion")


def rsa_forgeries(add):
    numbers = rsa_key.private_numbers()
    n, d = numbers.public_numbers.n, numbers.d
    sha256_info = bytes.fromhex("3031300d060960864801650304020105000420")
    sha512_info = bytes.fromhex("3031300d060960864801650304020305000420")

    def forged(comment, sign, *flags):
        add(f"RS256 {comment}", "bad_signature", token({"alg": "RS256", "kid": "rs"}, CLAIMS, sign), *flags)

    def padded(info, block=1, filling=b"\xff", length=None, tail=b""):
        """RFC 8017 §9.2 gone wrong, by the right key."""
        def sign(message):
            end = b"\0" + info + hashlib.sha256(message).digest() + tail
            count = length if length is not None else 256 - 2 - len(end)
            encoded = bytes([0, block]) + filling * count + end
            encoded += bytes(256 - len(encoded))
            return pow(int.from_bytes(encoded, "big"), d, n).to_bytes(256, "big")
        return sign

    for value, name in ((1, "1"), (n - 1, "modulus - 1"), (n, "modulus"), (2**2048 - 1, "all bits")):
        forged(f"signature {name}", lambda m, value=value: value.to_bytes(256, "big"), "EdgeCaseSignature")
    forged("signature plus the modulus", lambda m: (int.from_bytes(rs256(m), "big") + n).to_bytes(257, "big"), "Malleable")
    forged("signature behind a zero byte", lambda m: b"\0" + rs256(m), "Malleable")
    add("RS256 with right padding made by hand", "accepted",
        token({"alg": "RS256", "kid": "rs"}, CLAIMS, padded(sha256_info)), "Control")
    forged("with the object identifier of SHA-512", padded(sha512_info), "InvalidPadding")
    forged("without DigestInfo", padded(b""), "InvalidPadding")
    forged("with parameters left out", padded(bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20"), "InvalidPadding")
    forged("with block type 2", padded(sha256_info, block=2), "InvalidPadding")
    forged("with block type 0", padded(sha256_info, block=0), "InvalidPadding")
    forged("padded with fe", padded(sha256_info, filling=b"\xfe"), "InvalidPadding")
    forged("with 8 bytes of padding and zeros behind", padded(sha256_info, length=8), "InvalidPadding")
    forged("with a byte behind the hash", padded(sha256_info, tail=b"\0"), "InvalidPadding")


def ecdsa_forger(add, alg, length):
    """A function that adds a token whose good r and s are changed, and one that joins two numbers of `length` bytes."""
    kid, good_signature = ALGORITHMS[alg]

    def forged(comment, change, outcome="bad_signature"):
        def sign(message):
            good = good_signature(message)
            return change(int.from_bytes(good[:length], "big"), int.from_bytes(good[length:], "big"), message)
        add(f"{alg} {comment}", outcome, token({"alg": alg, "kid": kid}, CLAIMS, sign), "EdgeCaseSignature")

    def pair(r, s, width=length):
        return r.to_bytes(width, "big") + s.to_bytes(width, "big")

    return forged, pair


def es256_forgeries(add):
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    forged, pair = ecdsa_forger(add, "ES256", 32)

    forged("r the order, good s", lambda r, s, m: pair(order, s))
    forged("s the order, good r", lambda r, s, m: pair(r, order))
    forged("r above the order", lambda r, s, m: pair(order + 1, s))
    forged("s above the order", lambda r, s, m: pair(r, order + 1))
    forged("r and s one", lambda r, s, m: pair(1, 1))
    forged("r and s exchanged", lambda r, s, m: pair(s, r))
    forged("r and s of 33 bytes", lambda r, s, m: pair(r, s, 33))
    forged("r and s of 48 bytes", lambda r, s, m: pair(r, s, 48))
    forged("r alone", lambda r, s, m: r.to_bytes(32, "big"))
    forged("little-endian", lambda r, s, m: r.to_bytes(32, "little") + s.to_bytes(32, "little"))
    # RFC 7518 forbids neither s nor order - s; a token is not its own name here.
    forged("order minus s", lambda r, s, m: pair(r, order - s), "accepted")


def es384_forgeries(add):
    order = int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16)
    forged, pair = ecdsa_forger(add, "ES384", 48)

    for name, r, s in (("r zero", 0, 1), ("s zero", 1, 0), ("r and s one", 1, 1), ("r and s the order", order, order),
                       ("all bits", 2**384 - 1, 2**384 - 1)):
        forged(f"with {name}", lambda *_, r=r, s=s: pair(r, s))
    forged("r the order, good s", lambda r, s, m: pair(order, s))
    forged("s the order, good r", lambda r, s, m: pair(r, order))
    forged("r and s exchanged", lambda r, s, m: pair(s, r))
    forged("r and s of 49 bytes", lambda r, s, m: pair(r, s, 49))
    forged("r alone", lambda r, s, m: r.to_bytes(48, "big"))
    forged("in DER", lambda r, s, m: utils.encode_dss_signature(r, s))
    forged("over SHA-256", lambda r, s, m: pair(*utils.decode_dss_signature(p384_key.sign(m, ec.ECDSA(hashes.SHA256())))))
    forged("order minus s", lambda r, s, m: pair(r, order - s), "accepted")


def ps256_forgeries(add):
    def forged(comment, sign):
        add(f"PS256 {comment}", "bad_signature", token({"alg": "PS256", "kid": "ps"}, CLAIMS, sign), "InvalidPadding")

    forged("without salt", lambda m: ps256(m, salt=0))
    forged("with a salt of 20 bytes", lambda m: ps256(m, salt=20))
    forged("with the longest salt", lambda m: ps256(m, salt=222))
    forged("over SHA-384", lambda m: ps256(m, salt=32, digest=hashes.SHA384))
    forged("with a mask by SHA-1", lambda m: ps256(m, mask=hashes.SHA1))
    forged("in the padding of PKCS 1", lambda m: rs256(m))
    forged("signature one", lambda m: (1).to_bytes(256, "big"))


def eddsa_forgeries(add):
    order = 2**252 + 27742317777372353535851937790883648493

    def forged(comment, change):
        add(f"EdDSA {comment}", "bad_signature", token({"alg": "EdDSA", "kid": "ed"}, CLAIMS, lambda m: change(eddsa(m))), "Malleable")

    for times in (1, 2, 7):
        forged(f"s plus {times} times the order", lambda good, times=times: good[:32] + (
            int.from_bytes(good[32:], "little") + times * order).to_bytes(32, "little"))
    forged("r and s exchanged", lambda good: good[32:] + good[:32])
    forged("r the identity, s zero", lambda good: (1).to_bytes(32, "little") + bytes(32))
    forged("s zero", lambda good: good[:32] + bytes(32))


def key_set():
    def curve(kid, key, alg="ES256", crv="P-256", length=32):
        numbers = key.public_key().public_numbers()
        return {"kid": kid, "kty": "EC", "alg": alg, "crv": crv, "use": "sig",
                "x": number(numbers.x, length), "y": number(numbers.y, length)}

    def rsa_member(kid, alg):
        numbers = rsa_key.public_key().public_numbers()
        return {"kid": kid, "kty": "RSA", "alg": alg, "use": "sig", "n": number(numbers.n), "e": number(numbers.e)}

    raw = ed_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"keys": [
        {"kid": "hs", "kty": "oct", "alg": "HS256", "use": "sig", "k": b64(HS_SECRET)},
        rsa_member("rs", "RS256"),
        rsa_member("rs384", "RS384"),
        rsa_member("rs512", "RS512"),
        rsa_member("ps", "PS256"),
        curve("es", ec_key),
        curve("es2", second_ec_key),
        curve("es384", p384_key, "ES384", "P-384", 48),
        {"kid": "ed", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "use": "sig", "x": b64(raw)},
    ]}


def provider_tokens():
    """The claims of each file Providers/claims-*.json, signed as its header says, with the times moved to the clock's."""
    printed = 1784217600
    for path in sorted((HERE / "Providers").glob("claims-*.json")):
        case = json.loads(path.read_text("utf-8"))
        payload = {name: value + NOW - printed if name in ("iat", "nbf", "exp", "auth_time") and value in range(printed, 2**31)
                   else value for name, value in case["payload"].items()}
        sign = {"RS256": rs256, "ES256": es256}[case["header"]["alg"]]
        member = next(key for key in key_set()["keys"] if key["alg"] == case["header"]["alg"])
        yield {"name": path.stem.removeprefix("claims-"), "keys": json.dumps({"keys": [{**member, "kid": case["header"]["kid"]}]}),
               "token": token(case["header"], payload, sign)}


if __name__ == "__main__":
    (HERE / "jwks.json").write_text(json.dumps(key_set(), indent=1) + "\n", "ascii")
    made = vectors()
    (HERE / "tokens.jsonl").write_text("".join(json.dumps(vector) + "\n" for vector in made), "ascii")
    of_providers = list(provider_tokens())
    (HERE / "providers.jsonl").write_text("".join(json.dumps(vector) + "\n" for vector in of_providers), "ascii")
    print(f"{len(made) + len(of_providers)} tokens")
