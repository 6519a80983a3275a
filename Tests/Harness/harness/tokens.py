"""JSON Web Tokens made by hand, so that every part can be wrong on purpose."""

import base64
import hashlib
import hmac
import json
import secrets
import time

from harness import canaries


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(value):
    return base64url(json.dumps(value, separators=(",", ":")).encode())


def hmac_by(secret):
    return lambda text: hmac.digest(secret, text, hashlib.sha256)


def token(claims, sign, header):
    return token_of(encoded(claims), sign, header)


def token_of(payload, sign, header):
    text = f"{encoded(header)}.{payload}"
    text += "." + base64url(sign(text.encode()))
    canaries.add_token(text)
    return text


class Mint:
    def __init__(self, secret, issuer, audience):
        self._secret = secret.encode()
        self._issuer = issuer
        self._audience = audience

    @classmethod
    def of(cls, stack):
        """What the stack's responder takes."""
        return cls(stack["JWT_HS256_SECRET"], stack["JWT_ISSUER"], stack["JWT_AUDIENCE"])

    def claims(self, user, **changes):
        """What a good token says. A change to None takes the claim away."""
        now = int(time.time())
        # No service needs to know it; many who issue tokens put it there.
        email = f"{secrets.token_hex(8)}@people.example"
        canaries.add(email, kind="e-mail address")
        claims = {
            "iss": self._issuer, "aud": self._audience, "sub": user, "iat": now, "exp": now + 600,
            "roles": ["listener"], "email": email}
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not None}

    def hs256(self, user, secret=None, header=None, **changes):
        key = self._secret if secret is None else secret
        return token(self.claims(user, **changes), hmac_by(key), header or {"alg": "HS256", "typ": "JWT"})

    def unsigned(self, user, alg="none"):
        return token(self.claims(user), lambda _: b"", {"alg": alg, "typ": "JWT"})
