"""A program and a schema of two versions: in each order of an upgrade and of a rollback the program serves, and says which
of the two is newer."""

import copy
import shutil
import subprocess
import time

import pytest

from harness.database_server import OWNER, ROLE
from harness.stack import REPOSITORY
from harness.traffic import Traffic
from harness.waiting import wait_for
from support.outages import requests_for
from support.world import World

WANTED, KNOWN, NEXT = "waveforms", "authorizer_role", "next_version"
OLDER, NEWER = "schema older than wanted", "schema newer than known"


@pytest.fixture
def next_version(tmp_path):
    """The sqitch project of a later version, which has a change more."""
    project = tmp_path / "sql"
    shutil.copytree(REPOSITORY / "sql", project)
    subprocess.run(
        ["sqitch", "add", NEXT, "--requires", KNOWN, "-n", "A column that no query of this version names."], cwd=project,
        check=True, capture_output=True)
    change = "begin; set local lock_timeout = '2s'; alter table novatune.tracks {}; commit;"
    (project / "deploy" / f"{NEXT}.sql").write_text(change.format("add column next_version integer"))
    (project / "revert" / f"{NEXT}.sql").write_text(change.format("drop column next_version"))
    (project / "verify" / f"{NEXT}.sql").write_text("select next_version from novatune.tracks where false;")
    return project


class Site:
    """A responder on a schema, with requests that never end."""

    def __init__(self, stack, fresh, mint, s3, shared_object, responders, front, command):
        self._there = copy.copy(stack)
        self._there.names = stack.names | {"DATABASE_URL": fresh.url(OWNER)}
        self._world = World(self._there, mint, s3, shared_object)
        self._responders, self._front, self._command = responders, front, command
        self._database = {"NOVATUNE_DATABASE_URL": fresh.url(ROLE), "NOVATUNE_CACHE_URL": "memory:"}
        self._requests = requests_for(self._world, users=20)

    def start(self):
        """A program that starts on the schema as it is."""
        responder = self._responders().start_on_own_sockets(**self._database)
        wait_for(lambda: "database" in responder.readiness(), 20, "the first probe of the database")
        return responder

    def traffic(self, responder):
        return Traffic(self._front(responder), self._requests)

    def check(self, responder):
        """The line of `check` about the schema."""
        done = self._command("check", "--config", str(responder.config), **self._database)
        assert done.returncode == 0, done.stdout
        return next(line.split(None, 2)[1:] for line in done.stdout.splitlines() if line.startswith("schema "))


@pytest.fixture
def site(stack, fresh, mint, s3, shared_object, responders, front, command):
    return lambda: Site(stack, fresh, mint, s3, shared_object, responders, front, command)


def serves(traffic, when):
    since = time.monotonic()
    wait_for(lambda: traffic.has_settled(since), 20, when)


def finds_no_difference(responder):
    return not responder.events(OLDER) and not responder.events(NEWER)


def test_program_before_its_schema_names_the_change_that_is_missing_and_serves(fresh, site):
    fresh.deploy(f"{WANTED}^")
    site = site()
    program = site.start()
    assert program.wait_for_event(OLDER)["wanted"] == WANTED
    verdict, detail = site.check(program)
    assert verdict == "warning" and f"lacks the change {WANTED}" in detail
    with site.traffic(program) as traffic:
        serves(traffic, "200 before the schema")
        fresh.deploy(KNOWN)
        serves(traffic, "200 with the schema")
        # And back: the schema goes first, or the program does.
        fresh.revert(f"{WANTED}^")
        serves(traffic, "200 after the schema's rollback")
        fresh.deploy(KNOWN)
    assert set(traffic.statuses()) == {200}
    again = site.start()
    assert site.check(again) == ["ok", f"has the change {WANTED}"] and finds_no_difference(again)


def test_schema_before_its_program_is_named_as_newer_and_the_program_serves(fresh, site, next_version):
    fresh.deploy(KNOWN)
    site = site()
    program = site.start()
    assert finds_no_difference(program)
    with site.traffic(program) as traffic:
        serves(traffic, "200 before the next schema")
        fresh.deploy(NEXT, next_version)
        serves(traffic, "200 with the next schema")
        # A program of the next version that is rolled back finds the schema so.
        former = site.start()
        event = former.wait_for_event(NEWER)
        assert (event["known"], event["changes"], event["level"]) == (KNOWN, NEXT, "notice")
        verdict, detail = site.check(former)
        assert verdict == "warning" and NEXT in detail and "does not know" in detail
        with site.traffic(former) as rolled_back:
            serves(rolled_back, "200 of the former program")
            fresh.revert(KNOWN, next_version)
            serves(rolled_back, "200 after the schema's rollback")
    assert set(traffic.statuses()) == {200} and set(rolled_back.statuses()) == {200}
    last = site.start()
    assert site.check(last)[0] == "ok" and finds_no_difference(last)
