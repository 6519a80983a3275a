"""novatune-streamd authorize beside the stack, and a front end of the stack's store that asks it."""

import os
import subprocess
import urllib.error
import urllib.request

from harness import canaries
from harness.nginx import free_port
from harness.side_process import SideProcess
from harness.waiting import wait_for

TOKEN = "canary-token-of-the-webhook"
PASSWORD = "canary-password-of-authorize"


def fetched(request):
    """Status and text of an answer, also of an error."""
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Authorizer(SideProcess):
    def __init__(self, stack, directory):
        canaries.add(TOKEN, PASSWORD, stack["S3_SECRET_ACCESS_KEY"])
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        database = stack["REVOKER_DATABASE_URL"].replace("novatune_revoker:" + stack["REVOKER_PASSWORD"],
                                                         f"novatune_authorizer:{PASSWORD}")
        super().__init__(stack, directory, "authorize", {
            "NOVATUNE_AUTHORIZE_WEBHOOK": f"127.0.0.1:{self.port}", "NOVATUNE_AUTHORIZE_TOKEN": TOKEN,
            "NOVATUNE_AUTHORIZE_SIGNER": "novatune", "NOVATUNE_AUTHORIZE_POLL": "200ms",
            "NOVATUNE_AUTHORIZE_MAX_AGE": "10s", "NOVATUNE_DATABASE_URL": database,
            "NOVATUNE_S3_BUCKET": stack["S3_BUCKET"], "NOVATUNE_CACHE_KEYS_FILE": stack["CACHE_KEYS_FILE"],
        })

    def ask(self, question, token=TOKEN, header="X-Auth-Token"):
        """Status and body of its answer to a question."""
        request = urllib.request.Request(self.url, question, {header: token} if token else {}, method="POST")
        return fetched(request)

    def counted(self, outcome):
        return self.metrics()[f'novatune_authorization_decisions_total{{outcome="{outcome}"}}']


class AskingStore:
    """A second radosgw on the stack's cluster, whose every request is for `authorizer` to allow."""

    def __init__(self, stack, directory, url):
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self._output = open(directory / "radosgw.log", "wb")
        self.process = subprocess.Popen(
            ["radosgw", "-f", "-n", "client.rgw", f"--rgw_frontends=beast endpoint=127.0.0.1:{port} tcp_nodelay=1",
             "--rgw_use_opa_authz=true", f"--rgw_opa_url={url}", f"--rgw_opa_token={TOKEN}",
             "--rgw_enable_usage_log=false", "--rgw_run_sync_thread=false"],
            env=os.environ | {"CEPH_CONF": str(stack.state / "s3/ceph.conf")}, stdin=subprocess.DEVNULL,
            stdout=self._output, stderr=self._output)
        wait_for(self._answers, 60, "a second radosgw")

    def _answers(self):
        assert self.process.poll() is None
        try:
            return fetched(self.endpoint)
        except urllib.error.URLError:
            return None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self._output.close()
