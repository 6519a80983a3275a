"""Key rings from every source, replaced while requests are answered."""

import json
import signal

import pytest

from harness.waiting import wait_for
from support.rings import MountedSecret, PrintedRing, RingFile, WrappedRing, ring

SOURCES = {
    "file": lambda directory, request: RingFile(directory),
    "mounted secret": lambda directory, request: MountedSecret(directory),
    "command": lambda directory, request: PrintedRing(directory),
    "AWS KMS": lambda directory, request: WrappedRing(directory, request.getfixturevalue("kms")),
}


@pytest.fixture(params=SOURCES)
def source(request, tmp_path):
    return SOURCES[request.param](tmp_path, request)


@pytest.fixture
def serving(responders, source):
    """A responder with a ring of one version, and that ring."""
    first = ring("v1", "v1")
    source.put(first)
    responder = responders().leave_out("CACHE_KEYS").start_on_own_sockets(**source.settings)
    return responder, first


def is_sealed_by(redis, track, version):
    """Whether the entry is, now or in a moment: a responder writes to the cache after its answer."""

    def sealed_by():
        value = redis.stored(f"stream:{track.owner.id}:{track.id}")
        return value[2 : 2 + value[1]].decode()

    return wait_for(lambda: sealed_by() == version, 10, f"an entry sealed by {version}")


def take(responder, source, changed):
    """Puts the ring there, and waits until the responder has it."""
    count = len(responder.events("reloaded"))
    source.put(changed)
    # A command does not signal that it would print something else.
    if "NOVATUNE_CACHE_KEYS_COMMAND" in source.settings:
        responder.process.send_signal(signal.SIGHUP)
    assert responder.wait_for_event("reloaded", count + 1)["key_version"] == changed["current"]


def was_hit(responder, track):
    before = responder.metrics()["stream_url_cache_hits_total"]
    assert responder.ask(track, track.owner.token)[0] == 200
    return responder.metrics()["stream_url_cache_hits_total"] > before


def test_rotation_step_by_step_loses_no_entry_until_its_key_is_removed(serving, source, world, user, redis):
    responder, first = serving
    old = world.track(user)
    assert responder.ask(old, user.token)[0] == 200 and is_sealed_by(redis, old, "v1")

    added = ring("v1", "v1", "v2", keys=first["keys"])
    take(responder, source, added)
    assert was_hit(responder, old)
    between = world.track(user)
    assert responder.ask(between, user.token)[0] == 200 and is_sealed_by(redis, between, "v1")

    take(responder, source, added | {"current": "v2"})
    assert was_hit(responder, old)
    new = world.track(user)
    assert responder.ask(new, user.token)[0] == 200 and is_sealed_by(redis, new, "v2")

    take(responder, source, ring("v2", "v2", keys=added["keys"]))
    assert was_hit(responder, new)
    failures = 'novatune_cache_open_failures_total{reason="unknown_key_version"}'
    before = responder.metrics().get(failures, 0)
    assert not was_hit(responder, old)
    assert responder.metrics()[failures] == before + 1
    assert is_sealed_by(redis, old, "v2")


def test_invalid_ring_is_refused_and_reported_and_the_former_one_stays(serving, source, world, user, redis):
    responder, first = serving
    track = world.track(user)
    assert responder.ask(track, user.token)[0] == 200
    assert responder.readiness()["keys"] == {"status": "ok"}
    source.spoil()
    if "NOVATUNE_CACHE_KEYS_COMMAND" in source.settings:
        responder.process.send_signal(signal.SIGHUP)
    reason = responder.wait_for_event("reload refused")["reason"]
    assert "version v1" in reason and next(iter(source.settings)) in reason
    status, body = responder.gate("/readyz")
    keys = json.loads(body)["dependencies"]["keys"]
    assert status == 200 and keys["status"] == "failed" and reason in keys["reason"] and keys["optional"]
    assert responder.metrics()["novatune_reload_success"] == 0
    assert was_hit(responder, track)
    # Mended by itself, with no sign but the file itself.
    take(responder, source, first)
    assert responder.readiness()["keys"] == {"status": "ok"} and responder.metrics()["novatune_reload_success"] == 1


def test_ring_that_cannot_be_read_at_start_is_reported_in_one_line(responders, source):
    source.spoil()
    responder = responders().leave_out("CACHE_KEYS")
    with pytest.raises(AssertionError, match="version v1"):
        responder.start_on_own_sockets(**source.settings)
    wait_for(lambda: responder.process.poll() is not None)
    assert responder.process.returncode == 78 and len(responder.log().splitlines()) == 1


def test_ring_in_the_environment_is_used(responders, world, user, redis):
    responder = responders().leave_out("CACHE_KEYS").start_on_own_sockets(
        NOVATUNE_CACHE_KEYS=json.dumps(ring("env", "env")))
    track = world.track(user)
    assert responder.ask(track, user.token)[0] == 200 and is_sealed_by(redis, track, "env")


def test_command_is_waited_for_where_sigchld_is_ignored(responders, tmp_path, world, user, redis):
    path = tmp_path / "ring.json"
    path.write_text(json.dumps(ring("printed", "printed")))
    responder = responders().leave_out("CACHE_KEYS").start(
        preexec=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), NOVATUNE_CACHE_KEYS_COMMAND=f"/bin/cat {path}",
        NOVATUNE_LISTEN=f"unix:{tmp_path}/stream", NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate")
    assert responder.events("ready")


def test_unreachable_kms_at_start_is_a_temporary_failure(responders, tmp_path, kms):
    """EX_UNAVAILABLE, which a service manager tries again, and not EX_CONFIG."""
    source = WrappedRing(tmp_path, kms)
    source.put(ring("v1", "v1"))
    responder = responders().leave_out("CACHE_KEYS")
    settings = source.settings | {
        "NOVATUNE_KMS_ENDPOINT": "https://127.0.0.1:1", "NOVATUNE_CACHE_KEYS_TIMEOUT": "300ms"}
    with pytest.raises(AssertionError, match="does not answer"):
        responder.start_on_own_sockets(**settings)
    assert responder.process.wait(10) == 69


def test_two_sources_together_are_refused(responders, tmp_path):
    with pytest.raises(AssertionError, match="NOVATUNE_CACHE_KEYS_FILE and NOVATUNE_CACHE_KEYS_DIRECTORY are both set"):
        responders().start_on_own_sockets(NOVATUNE_CACHE_KEYS_DIRECTORY=str(tmp_path))
