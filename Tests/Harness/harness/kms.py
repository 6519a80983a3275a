#!/usr/bin/env python3
"""A key management service on loopback, over TLS: moto's, which checks signatures, policies and encryption contexts.

    kms.py DIRECTORY starts one, writes DIRECTORY/kms.env (shell lines NAME='value'), and stays in front until it is
    ended
"""

import base64
import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REGION = "eu-central-1"


def certificate(directory):
    """Paths of a certificate for 127.0.0.1, which is its own authority, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = directory / "kms.crt", directory / "kms.key"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return certificate_path, key_path


class KMS:
    """Runs from its start until `stop`. Once it is ready, it refuses every request that is not signed or not
    allowed."""

    def __init__(self, directory):
        self.authority, key = certificate(directory)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.endpoint = f"https://127.0.0.1:{port}"
        self._log = open(directory / "kms.log", "wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), "-c", self.authority, "-k", key],
            stdout=self._log, stderr=self._log, env=os.environ | {"INITIAL_NO_AUTH_ACTION_COUNT": "1000000"})
        self._wait()
        self.client = self._client("kms", "setup", "setup")
        self.key_id = self.client.create_key(Description="wraps cache keys")["KeyMetadata"]["KeyId"]
        self.other_key_id = self.client.create_key(Description="wraps something else")["KeyMetadata"]["KeyId"]
        self.allowed = self._user("may-use", ["kms:Encrypt", "kms:Decrypt"])
        self.denied = self._user("may-nothing", ["s3:GetObject"])
        self._post("/moto-api/reset-auth", b"0")

    def _wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._get("/moto-api/")
            except urllib.error.HTTPError:
                return None
            except OSError:
                assert self._process.poll() is None, "moto's server does not start; see kms.log"
                assert time.monotonic() < deadline, "moto's server is not ready"
                time.sleep(0.05)

    def _get(self, path):
        context = ssl.create_default_context(cafile=self.authority)
        return urllib.request.urlopen(self.endpoint + path, timeout=5, context=context).read()

    def _post(self, path, body):
        context = ssl.create_default_context(cafile=self.authority)
        request = urllib.request.Request(self.endpoint + path, body, {"Content-Type": "text/plain"})
        return urllib.request.urlopen(request, timeout=5, context=context).read()

    def _client(self, service, key_id, secret):
        return boto3.client(
            service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            verify=str(self.authority), config=Config(retries={"max_attempts": 1}))

    def _user(self, name, actions):
        iam = self._client("iam", "setup", "setup")
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def settings(self, user=None, key_id=None):
        """For a responder or a command, of a user that may use the key."""
        access_key_id, secret_access_key = user or self.allowed
        return {
            "NOVATUNE_KMS_ENDPOINT": self.endpoint, "NOVATUNE_KMS_REGION": REGION,
            "NOVATUNE_KMS_KEY_ID": key_id or self.key_id,
            "NOVATUNE_KMS_CA_BUNDLE": str(self.authority), "NOVATUNE_KMS_ACCESS_KEY_ID": access_key_id,
            "NOVATUNE_KMS_SECRET_ACCESS_KEY": secret_access_key,
        }

    def wrap(self, key, version):
        """As the documentation says that a key is wrapped, in another program's words."""
        client = self._client("kms", *self.allowed)
        context = {"novatune:purpose": "stream-url-cache", "novatune:key-version": version}
        wrapped = client.encrypt(KeyId=self.key_id, Plaintext=base64.b64decode(key), EncryptionContext=context)
        return base64.b64encode(wrapped["CiphertextBlob"]).decode()

    def stop(self):
        self._process.terminate()
        self._process.wait()
        self._log.close()


def main():
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    service = KMS(directory)
    # SIGTERM must end the server as well, not only this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        lines = "".join(f"{name.removeprefix('NOVATUNE_')}='{value}'\n" for name, value in service.settings().items())
        fresh = directory / "kms.env.new"
        fresh.write_text(lines)
        fresh.rename(directory / "kms.env")
        signal.pause()
    finally:
        service.stop()


if __name__ == "__main__":
    main()
