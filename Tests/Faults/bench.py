"""The stack with proxies in it, and users and tracks to ask for."""

import contextlib
import itertools
import subprocess
import sys
import time
from pathlib import Path

from harness import canaries, process
from harness.metrics import total
from harness.stack import running
from harness.tokens import Mint
from harness.traffic import Traffic
from harness.ulids import ulid
from harness.waiting import concurrently, wait_for
from harness.wire import API
from load import Load
from traffic import mixed

# Enough that a miss is one to the end of the run.
USERS, TRACKS_EACH = 200, 750
UNLIMITED = {"NOVATUNE_RATE_LIMIT_PER_MINUTE": "100000", "NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS": "10000"}


class Proxies:
    """proxy.py in a process of its own, so that it does not take turns with the clients."""

    def __init__(self, **targets):
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("proxy.py"),
                *(f"{name}={target}" for name, target in targets.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = dict(self._process.stdout.readline().split() for _ in targets)

    def set(self, name, mode):
        self._process.stdin.write(f"{name} {mode}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


class Bench:
    def __init__(self, state, binary, garnet=False):
        self._state, self._binary, self._options = state, binary, ["--garnet"] if garnet else []

    def __enter__(self):
        with contextlib.ExitStack() as held:
            self.stack = held.enter_context(running(self._state, self._binary, self._options, **UNLIMITED))
            self._load()
            host = "127.0.0.1"
            self.proxies = Proxies(
                database=f"{host}:{self.stack['PG_PORT']}", cache=f"{host}:{self.stack['REDIS_PORT']}",
                store=self.stack["S3_ENDPOINT"].removeprefix("http://"))
            held.callback(self.proxies.close)
            self._held = held.pop_all()
        return self

    def __exit__(self, *_):
        self._held.close()

    def _load(self):
        mint = Mint.of(self.stack)
        users = [ulid() for _ in range(USERS)]
        self.tokens = [mint.hs256(user, exp=int(time.time()) + 86400) for user in users]
        key, size = self.stack.sql(
            "select object_key, file_size_bytes from novatune.tracks"
            f" where track_id = '{self.stack['TRACK_READY']}'")[0]
        tracks = [(ulid(), number) for _ in range(TRACKS_EACH) for number in range(USERS)]
        # Over TCP, where the proxy is, the responder's role needs a password.
        self.stack.sql(f"alter role novatune_responder password '{self.stack['PG_PASSWORD']}'")
        # As a replica: their history is not what is tried here.
        self.stack.sql(
            "set session_replication_role = replica; insert into novatune.users (user_id) values "
            + ",".join(f"('{user}')" for user in users))
        for at in range(0, len(tracks), 10_000):
            rows = ",".join(
                f"('{track}', '{users[number]}', '{canaries.TITLE}', '{key}', 'audio/mpeg', {size}, 'Ready')"
                for track, number in tracks[at : at + 10_000])
            self.stack.sql(
                "set session_replication_role = replica; insert into novatune.tracks"
                f" (track_id, user_id, title, object_key, mime_type, file_size_bytes, status) values {rows}")
        canaries.add_stack(self.stack)
        # What is known by now; the URLs that are issued from here on are too many.
        self.secrets = canaries.kinds()
        requests = [(track, self.tokens[number]) for track, number in tracks]
        self.hits, rest = requests[:USERS], requests[USERS:]
        # Asked for once each, until all were.
        self.misses = itertools.cycle(rest)
        self._load_generator = Load(
            self.stack.state / "load", self.tokens, [f"{track} {number + 1}" for track, number in tracks[:USERS]])

    def responder_with(self, proxied=("database", "cache", "store"), **settings):
        """The stack's responder again, with proxies before these dependencies."""
        ports = self.proxies.ports
        for name in ports:
            self.proxies.set(name, "pass")
        self.stack.stop("responder")
        if "database" in proxied:
            settings["NOVATUNE_DATABASE_URL"] = (
                f"host=127.0.0.1 port={ports['database']} user=novatune_responder dbname=novatune"
                f" password={self.stack['PG_PASSWORD']}")
        if "cache" in proxied:
            settings["NOVATUNE_CACHE_URL"] = f"redis://127.0.0.1:{ports['cache']}/0"
        if "store" in proxied:
            settings["NOVATUNE_S3_ENDPOINT"] = f"http://127.0.0.1:{ports['store']}"
            settings["NOVATUNE_S3_PUBLIC_ENDPOINT"] = self.stack["S3_ENDPOINT"]
        settings.setdefault("NOVATUNE_PRESIGN_EXPIRY", "7200s")
        self.stack.start("responder", **settings)
        self.warm()

    @property
    def api(self):
        return API(self.stack["BASE_URL"])

    @property
    def responder(self):
        return int(self.stack["PID_RESPONDER"])

    def warm(self):
        """Until every hit is one: a cache may be empty, or its breaker open."""
        def is_warm():
            before = self.metric("stream_url_cache_hits_total")
            return self.all_answered() and self.metric("stream_url_cache_hits_total") - before == len(self.hits)

        wait_for(is_warm, 60, "all hits to be answered from the cache")

    def all_answered(self):
        return set(concurrently(len(self.hits), lambda at: self.api.stream(*self.hits[at]).status, 8)) == {200}

    def descriptors(self):
        """Those of the responder, but for connections of nginx, which keeps as many as it likes."""
        return process.descriptors(self.responder) - self.metric("novatune_fastcgi_connections") - self.metric(
            "novatune_fastcgi_gate_connections")

    def traffic(self, base_url=None, misses_in_ten=3, connections=16, pause=0.01):
        """Clients that ask for hits and misses, until the block ends."""
        api = API(base_url or self.stack["BASE_URL"])
        return Traffic(api, mixed(self.hits, self.misses, misses_in_ten), connections, pause, timeout=40)

    def load(self, seconds, connections=32, base_url=None):
        """Asks for hits as fast as they are answered; what came of it."""
        return self._load_generator.run(base_url or self.stack["BASE_URL"], seconds, connections)

    def metric(self, name, base_url=None):
        return total(API(base_url or self.stack["BASE_URL"]), name)
