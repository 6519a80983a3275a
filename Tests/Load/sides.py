"""The programs that are compared, each behind an nginx of its own with the templates of its own commit."""

import contextlib
import shutil
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import data
from harness import nginx
from harness.metrics import parsed
from harness.stack import REPOSITORY, environment_with, running
from harness.tokens import Mint
from harness.waiting import wait_for
from harness.wire import API
from programs import fail, run, say

OBJECTS = 128
TRACK_COLUMNS = "track_id, user_id, title, object_key, mime_type, file_size_bytes, status"


@contextlib.contextmanager
def stack(state, binary, users, tracks, firsts):
    """PostgreSQL, Redis and the S3 store with what is asked for; the stack's own responder and nginx are stopped."""
    say("starting the stack")
    with running(state / "stack", binary) as servers:
        servers.stop("nginx")
        servers.stop("responder")
        say("loading users, tracks and objects")
        load(servers, state / "data", users, tracks, firsts)
        yield servers


def load(servers, directory, users, tracks, firsts):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    key, mime_type, size = servers.sql(
        f"select object_key, mime_type, file_size_bytes from novatune.tracks where track_id ="
        f" '{servers['TRACK_READY']}'")[0]
    # Several, because requests for one object at the same time may share a look at it.
    keys = [f"load/{number}.mp3" for number in range(OBJECTS)]
    put = REPOSITORY / "nginx/local/s3-put"
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda name: subprocess.run(
            [put, servers.state, name, mime_type], input=b"audio", capture_output=True), keys)
        if any(one.returncode for one in done):
            fail("the S3 store takes no objects")
    mint = Mint.of(servers)
    data.write(directory, mint, users, tracks, firsts, keys, mime_type, size)
    # As a replica: the history of these rows is not what is measured.
    script = directory / "load.sql"
    script.write_text(f"""set session_replication_role = replica;
\\copy novatune.users (user_id, status) from '{directory}/users.tsv'
\\copy novatune.tracks ({TRACK_COLUMNS}) from '{directory}/tracks.tsv'
\\copy novatune.track_grants (track_id, grantee_id) from '{directory}/grants.tsv'
vacuum (analyze) novatune.users, novatune.tracks, novatune.track_grants;
checkpoint;
""")
    run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", script, servers["DATABASE_URL"]], directory.parent / "load.log")


class Side:
    """One program with its nginx. `settings` are the responder's, beside those that all have."""

    def __init__(self, name, binary, servers, state, root=REPOSITORY, **settings):
        self.name, self.binary, self.root, self._servers, self._settings = name, binary, Path(root), servers, settings
        self.directory = state / name
        self.sockets = Path(servers["RUN_DIR"]) / name
        self.sockets.mkdir(exist_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        self.responder = None
        # Port and process, by the allowance of each user.
        self.nginx, self._held = {}, contextlib.ExitStack()

    def start(self, **settings):
        servers = self._servers
        environment = environment_with() | {
            "NOVATUNE_LISTEN": f"unix:{self.sockets}/stream.sock",
            "NOVATUNE_GATE_LISTEN": f"unix:{self.sockets}/gate.sock",
            "NOVATUNE_DATABASE_URL": servers["RESPONDER_DATABASE_URL"], "NOVATUNE_CACHE_URL": servers["CACHE_URL_UNIX"],
            "NOVATUNE_CACHE_PREFIX": self.name,
            # Entries outlive the measurement, so that the hit path stays warm.
            "NOVATUNE_PRESIGN_EXPIRY": "7200s",
        }
        for name in (
            "CACHE_KEYS_FILE", "S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
                     "JWT_HS256_SECRET", "JWT_ISSUER", "JWT_AUDIENCE"):
            environment["NOVATUNE_" + name] = servers[name]
        log = self.directory / "responder.log"
        with open(log, "ab") as output:
            self.responder = subprocess.Popen(
                [str(self.binary)], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env=environment | self._settings | settings)

        def is_ready():
            if self.responder.poll() is not None:
                fail(f"{self.name} does not start:\n{log.read_text()[-2000:]}")
            with contextlib.suppress(OSError):
                return all(answers(self.sockets / f"{name}.sock") for name in ("stream", "gate"))

        wait_for(is_ready, 20, f"{self.name} to start")

    def restart(self, **settings):
        """Empties its memory."""
        end(self.responder)
        for path in self.sockets.glob("*.sock"):
            path.unlink()
        self.start(**settings)

    def address(self, per_minute=100_000):
        """The port of an nginx with this allowance for each user."""
        if per_minute not in self.nginx:
            self.nginx[per_minute] = self.start_nginx(f"nginx-{per_minute}", [self], per_minute)
        return self.nginx[per_minute][0]

    def nginx_pid(self, per_minute=100_000):
        return self.nginx[per_minute][1].pid

    def start_nginx(self, name, sides, per_minute):
        directory = self.directory / name
        directory.mkdir()
        return self._held.enter_context(nginx.started(
            self._servers, directory, self.root, NOVATUNE_RATE_LIMIT_PER_MINUTE=per_minute,
            NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS=1000,
            STREAM_SOCKETS=" ".join(f"unix:{side.sockets}/stream.sock" for side in sides),
            GATE_SOCKETS=" ".join(f"unix:{side.sockets}/gate.sock" for side in sides)))

    def metrics(self):
        return parsed(API(f"http://127.0.0.1:{self.address()}").request("GET", "/metrics").body.decode())

    def close(self):
        self._held.close()
        end(self.responder)


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        return True


def end(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
