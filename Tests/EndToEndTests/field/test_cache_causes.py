"""Why a Redis cannot be used as the cache: each cause in the log, in /readyz and in `check`, while requests go on."""

import pytest

from harness.redis_server import RedisServer
from harness.waiting import wait_for

# What makes the server refuse, by options of its start and a command after it; and what names the cause.
CAUSES = {
    "no password": (("--requirepass", "canary-of-a-cache-password"), (), "NOAUTH"),
    "forbidden command": ((), ("acl", "setuser", "default", "-set"), "NOPERM"),
    "out of memory": (("--maxmemory-policy", "noeviction"), ("config", "set", "maxmemory", "1"), "OOM"),
    "a replica": (("--replicaof", "127.0.0.1 1"), (), "READONLY"),
    "a replica without its master": (
        ("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"), (), "MASTERDOWN"),
}


@pytest.fixture
def server(tmp_path):
    made = []

    def start(options, command):
        made.append(RedisServer(tmp_path / "redis", *options, answers=None))
        if command:
            assert made[0].cli(*command) == "OK"
        return made[0]

    yield start
    for server in made:
        server.stop()


@pytest.mark.parametrize("cause", CAUSES)
def test_cause_is_named_and_requests_go_on(responders, command, server, user, track, cause):
    options, change, word = CAUSES[cause]
    url = f"redis://{server(options, change).address}/0"
    responder = responders().leave_out("CACHE_URL").start_on_own_sockets(NOVATUNE_CACHE_URL=url)
    for _ in range(3):
        assert responder.ask(track, user.token)[0] == 200
    reason = wait_for(lambda: responder.readiness()["cache"].get("reason"), what="the reason in /readyz")
    assert word in reason, reason
    # It is no reason to take the responder out of service.
    wait_for(lambda: responder.gate("/readyz")[0] == 200, what="/readyz")
    unhealthy = lambda: [
        line for line in responder.events("dependency unhealthy") if line["dependency"] == "cache"]
    assert word in wait_for(unhealthy, what="the line of the log")[0]["reason"]
    checked = command("check", "--config", responder.config, NOVATUNE_CACHE_URL=url)
    [line] = [line for line in checked.stdout.splitlines() if line[:31].strip() == "cache"]
    assert line[31:40].strip() == "warning" and word in line
