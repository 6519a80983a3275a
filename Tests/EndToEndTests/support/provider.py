"""An identity provider: its key set, its discovery document, and each way in which it can fail."""

import http.server
import json
import socket
import ssl
import threading
import time
from contextlib import suppress

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from harness.tokens import base64url, token


class SigningKey:
    def __init__(self, kid, algorithm="ES256"):
        self.kid, self.algorithm = kid, algorithm
        self._key = {
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "RS256": lambda: rsa.generate_private_key(65537, 2048)}[algorithm]()

    def published(self):
        """As a member of a JWK Set."""
        key = self._key.public_key()
        if self.algorithm == "EdDSA":
            members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_bytes_raw())}
        elif self.algorithm == "ES256":
            numbers = key.public_numbers()
            members = {
                "kty": "EC", "crv": "P-256", "x": base64url(numbers.x.to_bytes(32, "big")),
                "y": base64url(numbers.y.to_bytes(32, "big"))}
        else:
            numbers = key.public_numbers()
            members = {"kty": "RSA", "n": base64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
        return {"kid": self.kid, "use": "sig", "alg": self.algorithm} | members

    def _sign(self, text):
        if self.algorithm == "EdDSA":
            return self._key.sign(text)
        if self.algorithm == "RS256":
            return self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        r, s = utils.decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, claims):
        return token(claims, self._sign, {"alg": self.algorithm, "kid": self.kid, "typ": "at+jwt"})


class Provider:
    """Answers on an address of this host. `mode` is how, from the next request on."""

    MODES = ("garbage", "status 500", "status 404", "10 MB", "trickle", "frozen", "no keys", "redirect elsewhere")

    def __init__(self, *keys, certificate=None, port=0):
        """`certificate` is (certificate file, key file) for https."""
        self.keys, self.mode, self.max_age, self.delay = list(keys), "well", None, 0
        # Of each request, in order.
        self.paths = []
        self._thawed = threading.Event()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with suppress(OSError):
                    provider._answer(self)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                """A client that leaves is no fault of the provider."""

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.issuer = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.keys_url = f"{self.issuer}/keys"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._thawed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def fetches(self):
        return self.paths.count("/keys")

    def thaw(self):
        self._thawed.set()

    def claims(self, user, **changes):
        now = int(time.time())
        return {
            "iss": self.issuer, "aud": "novatune-of-the-provider", "sub": user, "iat": now, "exp": now + 600,
            "roles": ["listener"]} | changes

    def token(self, user, key=None, **changes):
        return (key or self.keys[0]).token(self.claims(user, **changes))

    def settings(self, **changes):
        """Of a responder that takes its tokens."""
        return {
            "NOVATUNE_JWT_ISSUER": self.issuer, "NOVATUNE_JWT_AUDIENCE": "novatune-of-the-provider",
            "NOVATUNE_JWT_KEYS_URL": self.keys_url} | changes

    def _answer(self, request):
        self.paths.append(request.path)
        time.sleep(self.delay)
        status, headers = 200, {}
        if request.path == "/.well-known/openid-configuration":
            body = json.dumps({"issuer": self.issuer, "jwks_uri": self.keys_url}).encode()
        elif request.path == "/keys":
            body = json.dumps({"keys": [key.published() for key in self.keys]}).encode()
            if self.max_age is not None:
                headers["Cache-Control"] = f"max-age={self.max_age}"
        else:
            status, body = 404, b""
        if self.mode == "garbage":
            body = b"<html>maintenance</html>"
        elif self.mode.startswith("status"):
            status, body = int(self.mode.split()[1]), b""
        elif self.mode == "10 MB":
            body = b" " * (10 << 20)
        elif self.mode == "no keys":
            body = b'{"keys":[]}'
        elif self.mode == "redirect elsewhere":
            status, body, headers["Location"] = 302, b"", "http://127.0.0.2:1/keys"
        elif self.mode == "frozen":
            self._thawed.wait(60)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.mode == "trickle":
            for byte in body:
                request.wfile.write(bytes([byte]))
                request.wfile.flush()
                if self._thawed.wait(0.1):
                    return
        else:
            request.wfile.write(body)
