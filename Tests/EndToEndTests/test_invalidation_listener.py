"""How a responder hears what the database ends: whatever happens to the connection, and whatever is said on it."""

import time

import pytest

from support.database import Database
from support.invalidations import CHANNEL, LISTENER, counted, cut
from support.ulids import ulid
from support.waiting import wait_for

LISTENING, DEAF, PUZZLED = "listening for invalidations", "invalidations are not heard", "invalidation not understood"


@pytest.fixture
def alone(responders):
    """A responder with a log and a cache of its own, which listens."""
    responder = responders().start_on_own_sockets(NOVATUNE_CACHE_URL="memory:")
    wait_for(lambda: is_listening(responder))
    return responder


def is_listening(responder):
    return responder.metrics()["invalidation_listener_up"] == 1


def assert_hears(responder, database, user, track):
    assert responder.ask(track, user.token)[0] == 200
    assert responder.metrics()["cache_entries"] == 1
    database("update novatune.tracks set file_size_bytes = file_size_bytes + 1 where track_id = %s", track.id)
    wait_for(lambda: responder.metrics()["cache_entries"] == 0, what="the entry's end")


def test_listener_is_told_from_other_connections(stack, alone):
    with Database(stack["DATABASE_URL"]) as database:
        found = database("select distinct usename, query from pg_stat_activity where application_name = %s", LISTENER)
    assert {user for user, _ in found} == {"novatune_responder"}


def test_moment_of_the_last_word_moves_with_a_word_alone(database, user, track, alone):
    def last_heard():
        return alone.metrics()["invalidation_listener_last_heard_timestamp_seconds"]

    heard = last_heard()
    # Long enough for another second, and too short for the question after a long silence.
    wait_for(lambda: time.time() >= heard + 3, what="three seconds")
    assert last_heard() == heard
    assert_hears(alone, database, user, track)
    wait_for(lambda: last_heard() >= heard + 2, what="the word's moment")


def test_cut_connection_is_made_again_and_said_in_the_log(database, user, track, alone):
    for times in range(1, 4):
        assert cut(database) >= 1
        wait_for(lambda: alone.log().count(LISTENING) == times + 1, what="listening again")
        wait_for(lambda: is_listening(alone))
        assert_hears(alone, database, user, track)
    # Repeated within a second it is said once.
    assert 1 <= alone.log().count(DEAF) <= 3
    assert alone.log().index(LISTENING) < alone.log().index(DEAF) < alone.log().rindex(LISTENING)


def test_database_that_was_stopped_is_listened_to_again(stack, user, track, alone):
    with stack.stopped("postgres"):
        wait_for(lambda: not is_listening(alone))
        wait_for(lambda: DEAF in alone.log())
    wait_for(lambda: is_listening(alone), 15, "listening again")
    with Database(stack["DATABASE_URL"]) as database:
        assert_hears(alone, database, user, track)
    wait_for(lambda: alone.log().count(LISTENING) == 2, what="the second line")


def test_garbage_on_the_channel_changes_nothing_and_is_said_once(database, user, track, alone):
    assert alone.ask(track, user.token)[0] == 200
    before = alone.metrics()
    garbage = [
        "", " ", "junk", "* *", "* * nonsense", f"* {track.id} deletion", f"{user.id} {track.id} DELETION", f"{user.id} {track.id}",
        f"{user.id} {track.id} deletion ", f" {user.id} {track.id} deletion", f"{user.id}  {track.id} deletion",
        f"{user.id[:-1]} {track.id} deletion", f"{user.id}x {track.id} deletion", f"{user.id} {track.id} deletion\n",
        f"{user.id}\t{track.id}\tdeletion", "'; drop table novatune.tracks; --", '"quoted"', "\\x00\\", "ü♥𝄞", "x" * 7000,
        " ".join("x" * 1000), f"{user.id} {track.id} deletion" + " x" * 3000,
    ]
    database(f"notify {CHANNEL}; " + "".join(f"select pg_notify('{CHANNEL}', {literal(text)}); " for text in garbage))
    # The word after all of them.
    database.notify(f"{ulid()} * logout")
    wait_for(lambda: counted(alone.metrics())["logout"] == counted(before)["logout"] + 1)
    after = alone.metrics()
    assert after["cache_entries"] == 1
    assert counted(after) == counted(before) | {"logout": counted(before)["logout"] + 1}
    assert is_listening(alone) and alone.ask(track, user.token)[0] == 200
    wait_for(lambda: PUZZLED in alone.log())
    lines = [line for line in alone.log().splitlines() if PUZZLED in line]
    assert len(lines) == 1
    # Otherwise a client that may notify could write into the log.
    assert user.id not in lines[0] and "drop" not in lines[0] and len(lines[0]) < 300


def literal(text):
    return "'" + text.replace("'", "''") + "'"
