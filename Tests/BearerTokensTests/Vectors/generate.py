#!/usr/bin/env python3
"""Tokens for BearerTokensTests, made with the library `cryptography` and no JOSE library at all.

    generate.py    writes jwks.json and tokens.jsonl beside this file

Keys and ES256 signatures are random, so a second run makes other, equally good vectors. The private keys are thrown away: what is
needed of them is in the tokens.

Each token is {"name", "token", "outcome"}: outcome is "accepted" or the rejection's code. The clock stands at 1767875400
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


def es256_der(message, key=ec_key):
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def es256(message, key=ec_key):
    r, s = utils.decode_dss_signature(es256_der(message, key))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def eddsa(message):
    return ed_key.sign(message)


ALGORITHMS = {"HS256": ("hs", hs256), "RS256": ("rs", rs256), "ES256": ("es", es256), "EdDSA": ("ed", eddsa)}
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

    def add(name, outcome, text):
        made.append({"name": name, "outcome": outcome, "token": text})

    for alg, (kid, sign) in ALGORITHMS.items():
        good = {"alg": alg, "kid": kid}

        def signed(header=good, payload=CLAIMS):
            return token(header, payload, sign)

        add(f"{alg} with kid", "accepted", signed())
        add(f"{alg} with typ", "accepted", signed({**good, "typ": "JWT"}))
        add(f"{alg} with at+jwt and unknown parameters", "accepted", signed({**good, "typ": "at+jwt", "x5t": "abc", "cty": "x"}))
        add(f"{alg} unknown kid", "unknown_key", signed({"alg": alg, "kid": "nobody"}))
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
        for parameter in ("crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "enc"):
            value = ["exp"] if parameter == "crit" else False if parameter == "b64" else "x"
            add(f"{alg} header with {parameter}", "forbidden_header", signed({**good, parameter: value}))
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

    # The classic: the public key, which everybody has, as an HMAC secret.
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
    return made


def key_set():
    def curve(kid, key):
        numbers = key.public_key().public_numbers()
        return {"kid": kid, "kty": "EC", "alg": "ES256", "crv": "P-256", "use": "sig",
                "x": number(numbers.x, 32), "y": number(numbers.y, 32)}

    numbers = rsa_key.public_key().public_numbers()
    raw = ed_key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"keys": [
        {"kid": "hs", "kty": "oct", "alg": "HS256", "use": "sig", "k": b64(HS_SECRET)},
        {"kid": "rs", "kty": "RSA", "alg": "RS256", "use": "sig", "n": number(numbers.n), "e": number(numbers.e)},
        curve("es", ec_key),
        curve("es2", second_ec_key),
        {"kid": "ed", "kty": "OKP", "alg": "EdDSA", "crv": "Ed25519", "use": "sig", "x": b64(raw)},
    ]}


if __name__ == "__main__":
    (HERE / "jwks.json").write_text(json.dumps(key_set(), indent=1) + "\n", "ascii")
    made = vectors()
    (HERE / "tokens.jsonl").write_text("".join(json.dumps(vector) + "\n" for vector in made), "ascii")
    print(f"{len(made)} tokens")
