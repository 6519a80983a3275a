"""The programs that are compared, each behind an nginx of its own with the templates of its own commit."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import data
from support.stack import REPOSITORY, Stack
from support.tokens import Mint
from support.waiting import wait_for
from support.wire import API

HERE = Path(__file__).resolve().parent
OBJECTS = 128


def fail(text):
    sys.exit(f"Tests/Load/run: {text}")


def say(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def without_settings():
    """What is measured must not depend on the caller's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")}


def run(command, log, **options):
    with open(log, "ab") as output:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
    if done.returncode:
        fail(f"{Path(command[0]).name} failed:\n{log.read_text(errors='replace')[-2000:]}")


def free_port():
    with socket.socket() as candidate:
        candidate.bind(("127.0.0.1", 0))
        return candidate.getsockname()[1]


# Programs


def build_responder(root, state):
    command = ["swift", "build", "--package-path", root, "-c", "release", "--static-swift-stdlib"]
    run(command + ["--product", "novatune-streamd"], state / "build.log")
    shown = subprocess.run([str(word) for word in command + ["--show-bin-path"]], capture_output=True, text=True, check=True)
    return Path(shown.stdout.strip()) / "novatune-streamd"


def build_c(name, state, *packages):
    flags = []
    if packages:
        found = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], stdout=subprocess.PIPE, text=True)
        if found.returncode:
            fail(f"no headers of {' or '.join(packages)}")
        flags = found.stdout.split()
    binary = state / "bin" / name
    run(["cc", "-O2", "-Wall", "-Wextra", HERE / f"{name}.c", "-o", binary, *flags], state / "build.log")
    return binary


def kept_copy(binary, state, name):
    """Another build may replace the original while this runs."""
    return Path(shutil.copy(binary, state / "bin" / name))


def check_out(commit, state):
    """The files of a former commit, kept with what was built there."""
    found = subprocess.run(
        ["git", "-C", REPOSITORY, "rev-parse", "--verify", "--quiet", commit + "^{commit}"], capture_output=True, text=True)
    if found.returncode:
        fail(f"--against: '{commit}' is no commit")
    root = state / "commits" / found.stdout.strip()[:12]
    if not root.exists():
        root.mkdir(parents=True)
        archive = subprocess.run(["git", "-C", REPOSITORY, "archive", found.stdout.strip()], capture_output=True, check=True)
        subprocess.run(["tar", "-x", "-C", root], input=archive.stdout, check=True)
    return root


# Servers


@contextlib.contextmanager
def stack(state, binary, users, tracks, firsts):
    """PostgreSQL, Redis and the S3 store with what is asked for; the stack's own responder and nginx are stopped."""
    directory = state / "stack"
    down = [REPOSITORY / "nginx/down", "--state", directory]
    subprocess.run(down, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    say("starting the stack")
    (state / "up.log").unlink(missing_ok=True)
    run([REPOSITORY / "nginx/up", "--detach", "--state", directory, "--binary", binary], state / "up.log", env=without_settings())
    try:
        servers = Stack(directory / "env", directory)
        servers.stop("nginx")
        servers.stop("responder")
        say("loading users, tracks and objects")
        load(servers, state / "data", users, tracks, firsts)
        yield servers
    finally:
        subprocess.run(down, stdout=subprocess.DEVNULL)


def load(servers, directory, users, tracks, firsts):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    key, mime_type, size = servers.sql(
        f"select object_key, mime_type, file_size_bytes from novatune.tracks where track_id = '{servers['TRACK_READY']}'")[0]
    # Several, because requests for one object at the same time may share a look at it.
    keys = [f"load/{number}.mp3" for number in range(OBJECTS)]
    put = REPOSITORY / "nginx/local/s3-put"
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda name: subprocess.run([put, servers.state, name, mime_type], input=b"audio", capture_output=True), keys)
        if any(one.returncode for one in done):
            fail("the S3 store takes no objects")
    mint = Mint(servers["JWT_HS256_SECRET"], servers["JWT_ISSUER"], servers["JWT_AUDIENCE"])
    data.write(directory, mint, users, tracks, firsts, keys, mime_type, size)
    # As a replica: the history of these rows is not what is measured.
    script = directory / "load.sql"
    script.write_text(f"""set session_replication_role = replica;
\\copy novatune.users (user_id, status) from '{directory}/users.tsv'
\\copy novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status) from '{directory}/tracks.tsv'
\\copy novatune.track_grants (track_id, grantee_id) from '{directory}/grants.tsv'
vacuum (analyze) novatune.users, novatune.tracks, novatune.track_grants;
checkpoint;
""")
    run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", script, servers["DATABASE_URL"]], directory.parent / "up.log")


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
        self.nginx = {}

    def start(self, **settings):
        servers = self._servers
        environment = without_settings() | {
            "NOVATUNE_LISTEN": f"unix:{self.sockets}/stream.sock", "NOVATUNE_GATE_LISTEN": f"unix:{self.sockets}/gate.sock",
            "NOVATUNE_DATABASE_URL": servers["RESPONDER_DATABASE_URL"], "NOVATUNE_CACHE_URL": servers["CACHE_URL_UNIX"],
            "NOVATUNE_CACHE_PREFIX": self.name,
            # Entries outlive the measurement, so that the hit path stays warm.
            "NOVATUNE_PRESIGN_EXPIRY": "7200s",
        }
        for name in ("CACHE_KEYS_FILE", "S3_ENDPOINT", "S3_REGION", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
                     "JWT_HS256_SECRET", "JWT_ISSUER", "JWT_AUDIENCE"):
            environment["NOVATUNE_" + name] = servers[name]
        self.responder = self._spawn([self.binary], "responder.log", environment | self._settings | settings)
        self._wait(self.responder, "responder.log", lambda: all(answers(self.sockets / f"{name}.sock") for name in ("stream", "gate")))

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
        directory, port = self.directory / name, free_port()
        directory.mkdir()
        environment = without_settings() | {
            "NOVATUNE_RATE_LIMIT_PER_MINUTE": str(per_minute), "NOVATUNE_NGINX_LISTEN": f"127.0.0.1:{port}",
            "NOVATUNE_NGINX_STREAM_SOCKETS": " ".join(f"unix:{side.sockets}/stream.sock" for side in sides),
            "NOVATUNE_NGINX_GATE_SOCKETS": " ".join(f"unix:{side.sockets}/gate.sock" for side in sides),
            "NOVATUNE_NGINX_ACCESS_LOG": f"{directory}/access.log", "NOVATUNE_NGINX_ERROR_LOG": f"{directory}/error.log",
            "NOVATUNE_NGINX_PLAYER_ROOT": f"{self.root}/nginx/html",
        }
        log = self.directory / f"{name}.log"
        run([self.root / "nginx/render", "--main", directory], log, env=environment)
        process = self._spawn(
            ["nginx", "-p", directory, "-c", directory / "nginx.conf", "-e", directory / "error.log", "-g", "daemon off;"], f"{name}.log",
            environment | {"PATH": os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin:/sbin"})
        self._wait(process, f"{name}.log", lambda: API(f"http://127.0.0.1:{port}").request("GET", "/").status == 404)
        return port, process

    def metrics(self):
        text = API(f"http://127.0.0.1:{self.address()}").request("GET", "/metrics").body.decode()
        pairs = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def close(self):
        for _, process in self.nginx.values():
            end(process)
        end(self.responder)

    def _spawn(self, command, log, environment):
        with open(self.directory / log, "ab") as output:
            return subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)

    def _wait(self, process, log, condition):
        def is_ready():
            if process.poll() is not None:
                fail(f"{self.name} does not start:\n{(self.directory / log).read_text()[-2000:]}")
            with contextlib.suppress(OSError):
                return condition()

        wait_for(is_ready, 20, f"{self.name} to start")


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
