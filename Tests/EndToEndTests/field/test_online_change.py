"""A change of a table that waits behind a long reader, and requests that wait behind the change; a shipped change that
is deployed while requests go on."""

import copy
import secrets
import subprocess
import time

import psycopg
import pytest

from harness import canaries
from harness.database_server import OWNER, ROLE
from harness.traffic import Traffic
from harness.waiting import wait_for
from support.database import Database
from support.outages import requests_for
from support.world import World

# What sql/README.md says to deploy with, and what every change after the first begins with.
LOCK_TIMEOUT = "PGOPTIONS=-c lock_timeout=2s"
CHANGE = "alter table novatune.tracks add column written_by_a_test integer"
# The change waits for its lock.
WAITS = "select count(*) from pg_locks where not granted and mode = 'AccessExclusiveLock'"


def test_change_behind_a_reader_gives_up_and_requests_go_on(stack, unlimited, database, user, track, capsys):
    api, url = unlimited, stack["DATABASE_URL"]
    assert api.stream(track.id, user.token).status == 200
    with psycopg.connect(url) as reader:
        reader.execute("select count(*) from novatune.tracks")
        change = subprocess.Popen(
            ["env", LOCK_TIMEOUT, "psql", "-X", "-v", "ON_ERROR_STOP=1", "-c", CHANGE, url], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: database(WAITS) == [(1,)], 10, "the change's wait")
        requests = iter(lambda: (track.id, user.token, None), None)
        with Traffic(api, requests, connections=4) as traffic:
            _, error = change.communicate(timeout=30)
            after = traffic.count
            wait_for(lambda: traffic.count >= after + 50, 20, "requests after the change")
    statuses = [sample.status for sample in traffic.samples()]
    with capsys.disabled():
        print(f"\nbehind a change that waits 2 s for its lock: {statuses.count(200)} answers 200, {statuses.count(503)} 503")
    assert change.returncode != 0 and "lock timeout" in error
    # Those that came during the wait are answered late, or asked to come back; the reader goes on meanwhile.
    assert set(statuses) <= {200, 503} and set(statuses[-40:]) == {200}


# A shipped change

CHANGE_OF_IDENTITIES = "user_identities"
CHANGE_OF_WAVEFORMS = "waveforms"


@pytest.fixture
def before(stack, fresh, mint, s3, shared_object, responders, front):
    """A world in which a change is not deployed yet, and a responder there."""

    def before(change):
        fresh.deploy(f"{change}^")
        there = copy.copy(stack)
        there.names = stack.names | {"DATABASE_URL": fresh.url(OWNER)}
        world = World(there, mint, s3, shared_object)
        requests = requests_for(world, users=40)
        *_, track = requests[0]
        responder = responders().start_on_own_sockets(
            NOVATUNE_DATABASE_URL=fresh.url(ROLE), NOVATUNE_CACHE_URL="memory:")
        return front(responder), world, requests, track

    return before


def deploy_under_traffic(api, requests, fresh, change, show):
    """All requests meanwhile get their URLs."""
    with Traffic(api, requests) as traffic:
        wait_for(lambda: traffic.has_settled(since=0), 20, "200 before the change")
        began = time.monotonic()
        fresh.deploy(change)
        deployed = time.monotonic()
        wait_for(lambda: traffic.has_settled(deployed, 100), 20, "requests after the change")
    during = [sample for sample in traffic.samples(until=deployed) if sample.ended > began]
    show(f"sqitch deploy of {change}: longest answer meanwhile", max(sample.milliseconds for sample in during) / 1000)
    assert set(traffic.statuses()) == {200}


def test_change_is_deployed_while_requests_go_on_and_is_used_without_a_restart(stack, fresh, before, mint, show):
    api, _, requests, track = before(CHANGE_OF_IDENTITIES)
    subject = f"auth0|{secrets.token_hex(12)}"
    canaries.add(subject, kind="subject")
    # What Changelog promises of a program that comes before the change.
    assert api.stream(track.id, mint.hs256(subject)).status == 503
    # Its comment promises that only writers wait.
    deploy_under_traffic(api, requests, fresh, CHANGE_OF_IDENTITIES, show)
    with Database(fresh.url(OWNER)) as database:
        database("select novatune.link_identity(%s, %s, %s)", stack["JWT_ISSUER"], subject, track.owner.id)
    assert api.stream(track.id, mint.hs256(subject)).status == 200


def test_waveforms_are_deployed_while_requests_go_on_and_are_served_without_a_restart(fresh, before, show):
    api, world, requests, track = before(CHANGE_OF_WAVEFORMS)
    assert api.waveform(track.id, track.owner.token).status == 503
    assert api.stream(track.id, track.owner.token).status == 200
    deploy_under_traffic(api, requests, fresh, CHANGE_OF_WAVEFORMS, show)
    assert api.waveform(track.id, track.owner.token).status == 404
    world.set_track(track, f"waveform_object_key = '{track.object_key}'")
    assert api.waveform(track.id, track.owner.token).status == 200
