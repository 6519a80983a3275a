"""The stack with proxies in it, and users and tracks to ask for."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import process
from support import canaries
from support.stack import REPOSITORY, Stack
from support.tokens import Mint
from support.ulids import ulid
from support.waiting import at_once, wait_for
from support.world import TITLE
from support.wire import API
from traffic import Traffic

# Enough that a miss is one to the end of the run.
USERS, TRACKS_EACH = 200, 750


class Proxies:
    """proxy.py in a process of its own, so that it does not take turns with the clients."""

    def __init__(self, **targets):
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("proxy.py"), *(f"{name}={target}" for name, target in targets.items())],
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
    def __init__(self, state, binary):
        self._state, self._binary = state, binary

    def __enter__(self):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVATUNE_")}
        environment |= {"NOVATUNE_RATE_LIMIT_PER_MINUTE": "100000", "NOVATUNE_NGINX_CONNECTIONS_PER_ADDRESS": "10000"}
        command = [REPOSITORY / "nginx/up", "--detach", "--state", self._state]
        subprocess.run([REPOSITORY / "nginx/down", "--state", self._state], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(command + (["--binary", self._binary] if self._binary else []), env=environment, check=True, stdout=subprocess.DEVNULL)
        self.stack = Stack(self._state / "env", self._state)
        self.proxies = None
        try:
            self._load()
            host = "127.0.0.1"
            self.proxies = Proxies(
                database=f"{host}:{self.stack['PG_PORT']}", cache=f"{host}:{self.stack['REDIS_PORT']}",
                store=self.stack["S3_ENDPOINT"].removeprefix("http://"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.proxies:
            self.proxies.close()
        subprocess.run([REPOSITORY / "nginx/down", "--state", self._state], stdout=subprocess.DEVNULL)

    def _load(self):
        mint = Mint(self.stack["JWT_HS256_SECRET"], self.stack["JWT_ISSUER"], self.stack["JWT_AUDIENCE"])
        users = [ulid() for _ in range(USERS)]
        self.tokens = [mint.hs256(user, exp=int(time.time()) + 86400) for user in users]
        key, size = self.stack.sql(f"select object_key, file_size_bytes from novatune.tracks where track_id = '{self.stack['TRACK_READY']}'")[0]
        tracks = [(ulid(), number) for _ in range(TRACKS_EACH) for number in range(USERS)]
        # Over TCP, where the proxy is, the responder's role needs a password.
        self.stack.sql(f"alter role novatune_responder password '{self.stack['PG_PASSWORD']}'")
        # As a replica: their history is not what is tried here.
        self.stack.sql(
            "set session_replication_role = replica; insert into novatune.users (user_id) values "
            + ",".join(f"('{user}')" for user in users))
        for at in range(0, len(tracks), 10_000):
            rows = ",".join(f"('{track}', '{users[number]}', '{TITLE}', '{key}', 'audio/mpeg', {size}, 'Ready')" for track, number in tracks[at : at + 10_000])
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
        self.hit_lines = [f"{track} {number + 1}" for track, number in tracks[:USERS]]

    def responder_with(self, proxied=("database", "cache", "store"), **settings):
        """The stack's responder again, with proxies before these dependencies."""
        ports = self.proxies.ports
        for name in ports:
            self.proxies.set(name, "pass")
        self.stack.stop("responder")
        if "database" in proxied:
            settings["NOVATUNE_DATABASE_URL"] = (
                f"host=127.0.0.1 port={ports['database']} user=novatune_responder dbname=novatune password={self.stack['PG_PASSWORD']}")
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
        """Until every hit is one: a cache may be empty, or left alone for a while."""
        def is_warm():
            before = self.metric("stream_url_cache_hits_total")
            return self.all_answered() and self.metric("stream_url_cache_hits_total") - before == len(self.hits)

        wait_for(is_warm, 60, "all hits to be answered from the cache")

    def all_answered(self):
        return set(at_once(len(self.hits), lambda at: self.api.stream(*self.hits[at]).status, 8)) == {200}

    def descriptors(self):
        """Those of the responder, but for connections of nginx, which keeps as many as it likes."""
        return process.descriptors(self.responder) - self.metric("fastcgi_connections") - self.metric("fastcgi_gate_connections")

    def traffic(self, **options):
        return Traffic(self.stack["BASE_URL"], self.hits, self.misses, **options)

    def metric(self, name, base_url=None):
        text = API(base_url or self.stack["BASE_URL"]).request("GET", "/metrics").body.decode()
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)
