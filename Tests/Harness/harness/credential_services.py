"""Services that give store credentials, by AWS's protocols: a container's endpoint, an instance's metadata, STS."""

import contextlib
import json
import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

AUTHORIZATION, SESSION, IDENTITY = "canary-authorization", "canary-metadata-session", "canary.web.identity"
ROLE = "arn:aws:iam::123456789012:role/novatune"


class CredentialServices:
    """Answers with the key pair that it has, which may be replaced; `status` 200 is changed to make it fail. STS takes
    the token `identity`."""

    def __init__(self, id, secret, left):
        self.status, self.requests, self.identity = 200, 0, IDENTITY
        self._next = None
        self.give(id, secret, left)

    def give(self, id, secret, left):
        """`left` is in seconds."""
        self.end = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=left)
        self._pair = id, secret

    def give_next(self, id, secret, left):
        """As `give`, as soon as those that it has were given once more."""
        self._next = id, secret, left

    def _taken(self):
        """Id, secret and end for one answer."""
        taken = *self._pair, self.end.strftime("%Y-%m-%dT%H:%M:%SZ")
        if self._next:
            self.give(*self._next)
            self._next = None
        return taken

    def document(self):
        id, secret, end = self._taken()
        return json.dumps({
            "Code": "Success", "AccessKeyId": id, "SecretAccessKey": secret, "Token": "", "Expiration": end})

    def xml(self):
        id, secret, end = self._taken()
        return (
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
            f"<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
            f"<SessionToken></SessionToken><Expiration>{end}</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")

    def answer(self, method, path, headers, body):
        """Status and text."""
        self.requests += 1
        if self.status != 200:
            return self.status, ""
        if (method, path) == ("GET", "/container"):
            return (200, self.document()) if headers["Authorization"] == AUTHORIZATION else (401, "")
        if (method, path) == ("PUT", "/latest/api/token"):
            is_good = headers["X-aws-ec2-metadata-token-ttl-seconds"] and headers["Content-Length"] == "0"
            return (200, SESSION) if is_good else (400, "")
        if path.startswith("/latest/meta-data/iam/security-credentials/"):
            if headers["X-aws-ec2-metadata-token"] != SESSION:
                return 401, ""
            role = path.rpartition("/")[2]
            return (200, self.document() if role == "a-role" else "a-role\n") if role in ("", "a-role") else (404, "")
        if (method, path) == ("POST", "/"):
            form = {name: values[0] for name, values in parse_qs(body).items()}
            is_good = (
                form["Action"] == "AssumeRoleWithWebIdentity" and form["RoleArn"] == ROLE
                and form["WebIdentityToken"] == self.identity)
            return (200, self.xml()) if is_good else (400, "")
        return 404, ""


@contextlib.contextmanager
def running(services):
    """Yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            status, text = services.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = respond

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
