"""Another S3 store than the stack's: versitygw, which refuses a wrong region and has no CORS rule of its own.

The program is $VERSITYGW, or the one in PATH.
"""

import json
import os
import shutil
import subprocess

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from harness import canaries
from harness.nginx import free_port
from harness.waiting import wait_for

REGION, BUCKET, KEY, CONTENT = "us-east-1", "audio", "audio/at-the-other-store.mp3", b"0123456789"


def program():
    """None where there is none."""
    return os.environ.get("VERSITYGW") or shutil.which("versitygw")


class Versitygw:
    """Runs from its start until `stop`, with a bucket, an object, and two users: one may read objects and nothing
    else, the other may do nothing."""

    def __init__(self, directory, virtual_domain=None):
        """Below `virtual_domain` buckets are host names."""
        self._root, self.reader, self.stranger = (
            (f"{name}-id", f"canary-secret-of-the-{name}") for name in ("root", "reader", "stranger"))
        canaries.add(*(secret for _, secret in (self._root, self.reader, self.stranger)))
        canaries.add(KEY, kind="object key")
        port = free_port()
        self.port, self.endpoint = port, f"http://127.0.0.1:{port}"
        for name in ("users", "objects"):
            (directory / name).mkdir()
        self._log = open(directory / "versitygw.log", "wb")
        self._process = subprocess.Popen(
            [program(), "--port", f"127.0.0.1:{port}", "--iam-dir", directory / "users", "--region", REGION,
             *(("--virtual-domain", virtual_domain) if virtual_domain else ()), "posix", directory / "objects"],
            env=os.environ | {"ROOT_ACCESS_KEY": self._root[0], "ROOT_SECRET_KEY": self._root[1]},
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=self._root[0],
            aws_secret_access_key=self._root[1],
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))
        wait_for(self._answers, 20, "versitygw")
        self.client.create_bucket(Bucket=BUCKET)
        self.client.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
        for id, secret in (self.reader, self.stranger):
            self._admin("create-user", "--access", id, "--secret", secret, "--role", "user")
        self.client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": [self.reader[0]], "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{BUCKET}/*"]}],
        }))

    @property
    def owner(self):
        """May do everything."""
        return self._root

    def _answers(self):
        assert self._process.poll() is None, "versitygw ended"
        try:
            self.client.list_buckets()
            return True
        except (EndpointConnectionError, ClientError):
            return False

    def _admin(self, *arguments):
        subprocess.run(
            [program(), "admin", "--access", self._root[0], "--secret", self._root[1], "--endpoint-url", self.endpoint,
             *arguments],
            check=True, capture_output=True, timeout=20)

    def settings(self, user=None, **changes):
        """Of a responder on this store; `user` is the reader where none is given."""
        id, secret = user or self.reader
        return {
            "NOVATUNE_S3_ENDPOINT": self.endpoint, "NOVATUNE_S3_REGION": REGION, "NOVATUNE_S3_BUCKET": BUCKET,
            "NOVATUNE_S3_ACCESS_KEY_ID": id, "NOVATUNE_S3_SECRET_ACCESS_KEY": secret,
        } | changes

    def stop(self):
        self._process.terminate()
        self._process.wait(20)
        self._log.close()
