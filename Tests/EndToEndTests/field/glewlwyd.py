"""Glewlwyd, an OpenID Connect server that Debian has: its own database, keys and users."""

import http.cookiejar
import json
import os
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from harness.nginx import free_port
from harness.tokens import base64url
from harness.waiting import wait_for

SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
# The administrator whom its schema makes.
ADMINISTRATOR = {"username": "admin", "password": "password"}
# Its scope is the role that listeners have.
SCOPE = "listener"
CONFIG = """
port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}/"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="INFO"
log_file="{directory}/glewlwyd.log"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = {{ type = "sqlite3" path = "{directory}/database" }};
"""


def private_key(kid, algorithm):
    """A member of a private JWK Set."""

    def number(value, length=None):
        return base64url(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))

    if algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        public = key.public_numbers
        members = {
            "kty": "EC", "crv": "P-256", "x": number(public.x, 32), "y": number(public.y, 32),
            "d": number(key.private_value, 32)}
    else:
        key = rsa.generate_private_key(65537, 2048).private_numbers()
        members = {"kty": "RSA"} | {
            name: number(value) for name, value in {
                "n": key.public_numbers.n, "e": key.public_numbers.e, "d": key.d, "p": key.p, "q": key.q,
                "dp": key.dmp1, "dq": key.dmq1, "qi": key.iqmp}.items()}
    return {"kid": kid, "use": "sig", "alg": algorithm} | members


class Glewlwyd:
    """Runs from the start on until `stop`."""

    def __init__(self, directory, *keys):
        self.port, self.first_keys = free_port(), keys
        self._directory = Path(directory)
        with sqlite3.connect(self._directory / "database") as database:
            database.executescript(Path(SCHEMA).read_text())
        (self._directory / "glewlwyd.conf").write_text(CONFIG.format(port=self.port, directory=directory))
        self._root = f"http://127.0.0.1:{self.port}/api"
        self.issuer = f"{self._root}/oidc"
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({}))
        self.process = None
        self.start()
        self._call("POST", "/auth", ADMINISTRATOR)
        self._call("POST", "/scope", {"name": SCOPE, "display_name": SCOPE, "password_required": True, "scheme": {}})
        self._call("POST", "/mod/plugin", self._plugin(keys))

    def start(self):
        self.process = subprocess.Popen(
            ["glewlwyd", "--config-file", self._directory / "glewlwyd.conf"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        wait_for(self._answers, 20, "glewlwyd")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def freeze(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def sign_with(self, *keys):
        """Replaces its keys; the first signs from now on."""
        self._call("PUT", "/mod/plugin/oidc", self._plugin(keys))
        self._call("PUT", "/mod/plugin/oidc/reset", {})

    def add_user(self, name):
        self._call("POST", "/user", {
            "username": name, "name": name, "password": name * 2, "scope": [SCOPE, "openid"], "enabled": True})

    def token(self, name):
        """An access token of the user, as a player gets it."""
        form = {
            "grant_type": "password", "username": name, "password": name * 2, "scope": f"openid {SCOPE}"}
        request = urllib.request.Request(f"{self.issuer}/token", urlencode(form).encode())
        with self._opener.open(request, timeout=20) as answer:
            return json.load(answer)["access_token"]

    def _plugin(self, keys):
        parameters = {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "jwks-show": True,
            "jwks-private": json.dumps({"keys": keys}), "default-kid": keys[0]["kid"],
            "access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600,
            "refresh-token-rolling": True, "allow-non-oidc": True, "auth-type-password-enabled": True,
            "auth-type-client-enabled": True, "auth-type-refresh-enabled": True, "subject-type": "public",
            "allowed-scope": ["openid"], "claims": [], "scope": []}
        return {"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": parameters}

    def _answers(self):
        try:
            self._opener.open(f"http://127.0.0.1:{self.port}/config", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _call(self, method, path, body):
        request = urllib.request.Request(
            self._root + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
        try:
            self._opener.open(request, timeout=20).close()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"glewlwyd: {method} {path}: {error.code} {error.read()[:500]}") from error
