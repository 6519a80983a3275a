"""How a responder receives invalidations: on connections that end, and beside malformed notifications."""

import time

import pytest

from harness.ulids import ulid
from harness.waiting import wait_for
from support.database import Database
from support.invalidations import CHANNEL, LISTENER, counted, cut

CONNECTED, DISCONNECTED = "invalidation subscriber connected", "invalidation subscriber disconnected"
MALFORMED = "malformed invalidation received"


@pytest.fixture
def alone(responders):
    """A responder with a log and a cache of its own, which listens."""
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:")
    wait_for(lambda: is_listening(responder))
    return responder


def is_listening(responder):
    return responder.metrics()["novatune_invalidation_subscriber_up"] == 1


def assert_hears(responder, database, user, track):
    assert responder.ask(track, user.token)[0] == 200
    wait_for(lambda: responder.metrics()["novatune_cache_entries"] == 1, what="the entry")
    database("update novatune.tracks set file_size_bytes = file_size_bytes + 1 where track_id = %s", track.id)
    wait_for(lambda: responder.metrics()["novatune_cache_entries"] == 0, what="the entry's end")


def test_listener_is_distinguished_from_other_connections(stack, alone):
    with Database(stack["DATABASE_URL"]) as database:
        found = database("select distinct usename, query from pg_stat_activity where application_name = %s", LISTENER)
    assert {user for user, _ in found} == {"novatune_responder"}


def test_time_of_the_last_notification_changes_with_a_notification_only(database, user, track, alone):
    def last_word():
        return alone.metrics()["novatune_invalidation_subscriber_last_received_timestamp_seconds"]

    before = last_word()
    # Long enough for another second, and too short for the question after a long silence.
    wait_for(lambda: time.time() >= before + 3, what="three seconds")
    assert last_word() == before
    assert_hears(alone, database, user, track)
    wait_for(lambda: last_word() >= before + 2, what="the word's moment")


def test_lost_connection_is_replaced_and_logged(database, user, track, alone):
    for times in range(1, 4):
        assert cut(database) >= 1
        wait_for(lambda: alone.log().count(CONNECTED) == times + 1, what="listening again")
        wait_for(lambda: is_listening(alone))
        assert_hears(alone, database, user, track)
    # Repeated within a second it is said once.
    assert 1 <= alone.log().count(DISCONNECTED) <= 3
    assert alone.log().index(CONNECTED) < alone.log().index(DISCONNECTED) < alone.log().rindex(CONNECTED)


def test_subscriber_reconnects_to_a_restarted_database(stack, user, track, alone):
    with stack.stopped("postgres"):
        wait_for(lambda: not is_listening(alone))
        wait_for(lambda: DISCONNECTED in alone.log())
    wait_for(lambda: is_listening(alone), 15, "listening again")
    with Database(stack["DATABASE_URL"]) as database:
        assert_hears(alone, database, user, track)
    wait_for(lambda: alone.log().count(CONNECTED) == 2, what="the second line")


def test_garbage_on_the_channel_changes_nothing_and_is_logged_once(database, user, track, alone):
    assert alone.ask(track, user.token)[0] == 200
    before = alone.metrics()
    garbage = [
        "", " ", "junk", "* *", "* * nonsense", f"* {track.id} deletion", f"{user.id} {track.id} DELETION",
        f"{user.id} {track.id}",
        f"{user.id} {track.id} deletion ", f" {user.id} {track.id} deletion", f"{user.id}  {track.id} deletion",
        f"{user.id[:-1]} {track.id} deletion", f"{user.id}x {track.id} deletion", f"{user.id} {track.id} deletion\n",
        f"{user.id}\t{track.id}\tdeletion", "'; drop table novatune.tracks; --", '"quoted"', "\\x00\\", "ü♥𝄞",
        "x" * 7000,
        " ".join("x" * 1000), f"{user.id} {track.id} deletion" + " x" * 3000,
    ]
    database(f"notify {CHANNEL}; " + "".join(f"select pg_notify('{CHANNEL}', {literal(text)}); " for text in garbage))
    # The word after all of them.
    database.notify(f"{ulid()} * logout")
    wait_for(lambda: counted(alone.metrics())["logout"] == counted(before)["logout"] + 1)
    after = alone.metrics()
    assert after["novatune_cache_entries"] == 1
    assert counted(after) == counted(before) | {"logout": counted(before)["logout"] + 1}
    assert is_listening(alone) and alone.ask(track, user.token)[0] == 200
    wait_for(lambda: MALFORMED in alone.log())
    lines = [line for line in alone.log().splitlines() if MALFORMED in line]
    assert len(lines) == 1
    # Otherwise a client that may notify could write into the log.
    assert user.id not in lines[0] and "drop" not in lines[0] and len(lines[0]) < 300


def literal(text):
    return "'" + text.replace("'", "''") + "'"
