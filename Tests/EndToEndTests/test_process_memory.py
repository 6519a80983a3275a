"""What a running responder's memory may be asked for, and by whom."""

import base64
import json
import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness.responder import settings
from harness.waiting import concurrently, wait_for
from support.rings import replace, ring


def memory(pid):
    """Everything that the process may read or write, in pieces. Only root may ask."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as contents:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split()
            start, end = (int(part, 16) for part in fields[0].split("-"))
            if "r" not in fields[1] or fields[-1] in ("[vvar]", "[vsyscall]"):
                continue
            try:
                contents.seek(start)
                yield contents.read(end - start)
            except OSError:
                continue


def holds(pid, secret):
    return any(secret in piece for piece in memory(pid))


@pytest.fixture
def serving(responders, tmp_path):
    path = tmp_path / "ring.json"
    first = ring("v1", "v1")
    replace(path, json.dumps(first))
    return responders().leave_out("CACHE_KEYS").start_on_own_sockets(NOVATUNE_CACHE_KEYS_FILE=str(path)), path, first


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a process that is not dumpable")
def test_removed_key_is_in_no_memory_raw_or_as_base64(serving, world, user):
    responder, path, first = serving
    assert responder.ask(world.track(user), user.token)[0] == 200
    text = first["keys"]["v1"]
    key = base64.b64decode(text)
    # The control: while it is used it is there, once or more; and how it was written down is not there even now.
    assert holds(responder.process.pid, key)
    assert not holds(responder.process.pid, text.encode())
    replace(path, json.dumps(ring("v2", "v2")))
    responder.wait_for_event("reloaded")
    tracks = world.tracks([user], each=64)

    def is_gone():
        # Each worker takes the new ring with its next request, and drops the former one.
        assert set(concurrently(64, lambda number: responder.ask(tracks[number], user.token)[0])) == {200}
        return not holds(responder.process.pid, key)

    wait_for(is_gone, 20, "the end of the key in memory")
    assert not holds(responder.process.pid, text.encode())


@pytest.fixture
def directory_of_mode_0755():
    """Where another user may run a copy of the program."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        yield Path(directory)


def test_process_writes_no_core(serving):
    responder, _, _ = serving
    limits = Path(f"/proc/{responder.process.pid}/limits").read_text()
    assert next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()[4:6] == [
        "0", "0"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start another user's process")
def test_processes_of_the_same_user_may_not_read_its_memory(stack, directory_of_mode_0755):
    """The kernel gives /proc/PID of a process that is not dumpable to root, and of any other to its user."""
    unprivileged = 65534
    program = shutil.copy(stack["RESPONDER_BINARY"], directory_of_mode_0755 / "novatune-streamd")
    config = directory_of_mode_0755 / "responder.conf"
    ring_file = directory_of_mode_0755 / "ring.json"
    config.write_text(settings(stack) + "".join(
        f"NOVATUNE_{name}=unix:{directory_of_mode_0755}/{name}\n" for name in ("LISTEN", "GATE_LISTEN")))
    ring_file.write_text(json.dumps(ring("v1", "v1")))
    directory_of_mode_0755.chmod(0o777)
    for file in (config, ring_file):
        os.chown(file, unprivileged, unprivileged)
    with open(directory_of_mode_0755 / "log", "w+") as log:
        process = subprocess.Popen(
            [program, "--config", config], stderr=log, user=unprivileged, group=unprivileged, extra_groups=[],
            env={"NOVATUNE_CACHE_KEYS_FILE": str(ring_file)})
        control = subprocess.Popen(["/bin/sleep", "60"], user=unprivileged, group=unprivileged, extra_groups=[])
        try:
            wait_for(lambda: '"ready"' in Path(log.name).read_text(), 20, "the start")
            owner = lambda pid: Path(f"/proc/{pid}/mem").stat().st_uid
            assert owner(control.pid) == unprivileged and owner(process.pid) == 0
            # Its threads have their names all the same.
            threads = {comm.read_text().strip() for comm in Path(f"/proc/{process.pid}/task").glob("*/comm")}
            assert {"loop-0", "gate-0", "invalidation"} <= threads
        finally:
            process.kill()
            control.kill()
            process.wait()
            control.wait()


def test_crash_leaves_neither_core_nor_key(responders, tmp_path):
    """Killed as by a fault, in a directory of its own, with core files allowed by the process that started it."""
    path = tmp_path / "ring.json"
    first = ring("v1", "v1")
    replace(path, json.dumps(first))
    place = tmp_path / "place"
    place.mkdir()

    def allow_cores():
        os.chdir(place)
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    responder = responders().leave_out("CACHE_KEYS").start(
        preexec=allow_cores, NOVATUNE_CACHE_KEYS_FILE=str(path), NOVATUNE_LISTEN=f"unix:{tmp_path}/stream",
        NOVATUNE_GATE_LISTEN=f"unix:{tmp_path}/gate",
        # Swift's own report of a crash would go to the log, with registers and the memory that they point at.
        SWIFT_BACKTRACE="enable=yes,color=no", SWIFT_ROOT=str(Path(shutil.which("swift")).resolve().parents[1]))
    before = responder.log()
    responder.process.send_signal(11)
    assert responder.process.wait(20) == -11
    assert list(place.iterdir()) == []
    assert all(json.loads(line) for line in responder.log().removeprefix(before).splitlines())
    assert first["keys"]["v1"] not in responder.log() and base64.b64decode(
        first["keys"]["v1"]).hex() not in responder.log()


def program_pages_kb(pid):
    """Of the program's code: what is resident, and all of it."""
    sizes = [0, 0]
    is_code = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        fields = line.split()
        if "-" in fields[0]:
            is_code = fields[1].startswith("r-x") and fields[-1].endswith("novatune-streamd")
        elif is_code and fields[0] in ("Rss:", "Size:"):
            sizes[fields[0] == "Size:"] += int(fields[1])
    return sizes


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a process that is not dumpable")
def test_idle_responder_keeps_little_of_its_code(responders, world, user):
    """A request needs less than a tenth of it."""
    track = world.track(user)
    responder = responders().start_on_own_sockets()
    pid = responder.process.pid
    # Reading the memory of another process makes it resident.
    for _ in memory(pid):
        pass
    resident, size = program_pages_kb(pid)
    assert resident > 0.9 * size > 5000

    def keeps_little():
        resident, size = program_pages_kb(pid)
        return 0 < resident < size / 3

    wait_for(keeps_little, 20, "the first idle seconds")
    assert responder.ask(track, user.token)[0] == 200
