"""Store credentials that a command prints, as `credential_process` of AWS's tools."""

import json
import signal
from datetime import datetime, timedelta, timezone

import pytest

from harness import canaries
from harness.responder import settings
from harness.waiting import wait_for
from support.rings import replace


def document(id, secret, left=3600):
    """What the command prints; `left` is in seconds."""
    end = datetime.now(timezone.utc) + timedelta(seconds=left)
    return json.dumps({
        "Version": 1, "AccessKeyId": id, "SecretAccessKey": secret, "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")})


class Program:
    """A program in a directory with a space in its name, which prints a file and notes each run."""

    def __init__(self, directory, stack):
        self._stack = stack
        place = directory / "with a space"
        place.mkdir()
        self.path, self._output, self._runs = place / "program", place / "output", place / "runs"
        self._runs.touch()
        self.becomes("cat \"$2\"")
        self.setting = f"'{self.path}' --from \"{self._output}\""

    def becomes(self, body):
        replace(self.path, f"#!/bin/sh\necho \"$NOVATUNE_LISTEN\" >>'{self._runs}'\n{body}\n", 0o700)
        return self

    def prints(self, text):
        replace(self._output, text)
        return self

    def gives(self, left=3600, secret=None):
        pair = self._stack["S3_ACCESS_KEY_ID"], secret or self._stack["S3_SECRET_ACCESS_KEY"]
        return self.prints(document(*pair, left))

    @property
    def runs(self):
        return len(self._runs.read_text().splitlines())

    @property
    def saw_settings(self):
        """Whether a setting of the responder was in its environment."""
        return bool(self._runs.read_text().strip())


@pytest.fixture
def program(tmp_path, stack):
    return Program(tmp_path, stack).gives()


@pytest.fixture
def start(responders, program):
    def start():
        responder = responders().leave_out("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
        return responder.start_on_own_sockets(
            NOVATUNE_S3_CREDENTIALS_COMMAND=program.setting, NOVATUNE_CACHE_PREFIX="command")

    return start


@pytest.fixture
def check(command, stack, program, tmp_path):
    config = tmp_path / "responder.conf"
    lines = [line for line in settings(stack).splitlines() if "ACCESS_KEY" not in line]
    replace(config, "".join(f"{line}\n" for line in lines))

    def check(*options, **others):
        return command(
            "check", *options, "--config", config, **{"NOVATUNE_S3_CREDENTIALS_COMMAND": program.setting} | others)

    return check


def test_credentials_of_a_command_sign_urls(start, program, world, user):
    responder = start()
    status, body = responder.ask(world.track(user), user.token)
    assert status == 200 and "X-Amz-Expires=120" in json.loads(body)["streamUrl"]
    assert responder.metrics()["novatune_s3_credentials_expiry_timestamp_seconds"] > 0
    assert program.runs == 1 and not program.saw_settings


def test_credentials_are_renewed_ahead_of_their_end_and_kept_on_failure(start, program, world, user):
    responder = start()
    program.gives(left=200)
    responder.process.send_signal(signal.SIGHUP)
    responder.wait_for_event("reloaded")
    # They end in 200 s, and the command fails: those that it has sign on.
    program.becomes("echo canary-of-a-command; exit 7")
    canaries.add("canary-of-a-command")
    refused = wait_for(lambda: responder.events("reload refused"), 25, "the failure in the log")[0]
    assert "NOVATUNE_S3_CREDENTIALS_COMMAND" in refused["reason"] and "exit status 7" in refused["reason"]
    assert responder.ask(world.track(user), user.token)[0] == 200
    assert "exit status 7" in responder.readiness()["keys"]["reason"]
    program.becomes("cat \"$2\"").gives()
    wait_for(lambda: len(responder.events("reloaded")) == 2, 40, "the new credentials")
    assert responder.ask(world.track(user), user.token)[0] == 200
    assert responder.readiness()["keys"] == {"status": "ok"}


def test_reload_that_waits_for_the_command_delays_nothing(start, program, world, user, tmp_path):
    responder = start()
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    program.becomes(f"touch '{begun}'; while [ ! -e '{gate}' ]; do sleep 0.05; done; cat \"$2\"")
    responder.process.send_signal(signal.SIGHUP)
    wait_for(begun.exists, 10, "the command's run")
    assert responder.ask(world.track(user), user.token)[0] == 200
    assert responder.events("reloaded") == []
    gate.touch()
    responder.wait_for_event("reloaded")
    gate.unlink()
    begun.unlink()
    responder.process.send_signal(signal.SIGHUP)
    wait_for(begun.exists, 10, "the command's run")
    # The command goes on until the gate is there; the responder does not wait for it.
    assert responder.stop() == 0
    gate.touch()


def test_check_names_what_is_wrong_with_the_command(check, program, tmp_path):
    def failure(done):
        lines = [line.split(None, 2) for line in done.stdout.splitlines()]
        return {line[0]: line[2] for line in lines if line[1] == "failed"}["NOVATUNE_S3_CREDENTIALS_COMMAND"]

    canaries.add("canary-of-an-argument")
    for prepare, reason in [
        (lambda: program.prints("canary-of-an-argument"), "not JSON"),
        (lambda: program.prints('{"Version":2}'), '"Version" is not 1'),
        (lambda: program.gives(left=-60), "expired at"),
        (lambda: program.becomes("exit 9"), "exit status 9")]:
        prepare()
        done = check()
        assert done.returncode == 69 and reason in failure(done)
        assert "canary" not in done.stdout + done.stderr
    done = check(NOVATUNE_S3_CREDENTIALS_COMMAND=f"{tmp_path}/none canary-of-an-argument")
    assert done.returncode == 69 and "No such file" in failure(done)
    assert "canary" not in done.stdout + done.stderr


def test_settings_alone_are_checked_without_the_command_or_a_service(check, program):
    done = check("--settings-only")
    assert done.returncode == 0 and program.runs == 0
    (line,) = [line.split(None, 2) for line in done.stdout.splitlines() if line.startswith("credentials ")]
    assert line == ["credentials", "ok", "not asked, from NOVATUNE_S3_CREDENTIALS_COMMAND"]
    # Nothing listens there.
    done = check(
        "--settings-only", NOVATUNE_S3_CREDENTIALS_COMMAND="", NOVATUNE_S3_CREDENTIALS_SOURCE="instance",
        AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1")
    assert done.returncode == 0 and "not asked, from NOVATUNE_S3_CREDENTIALS_SOURCE" in done.stdout
    assert check().returncode == 0 and program.runs == 1
