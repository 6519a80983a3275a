"""The responder on a hot standby, and on a primary and a standby together."""

import pytest

from harness import database_server
from harness.database_server import Standby, address, catch_up, hosts
from harness.waiting import wait_for

LAG, LIMIT = "novatune_database_replica_lag_seconds", "novatune_database_replica_lag_limit_seconds"


@pytest.fixture(scope="module")
def standby(stack):
    with database_server.directory() as directory:
        standby = Standby(address(stack), directory)
        yield standby
        standby.stop()


@pytest.fixture
def paused(stack, standby):
    """Pauses replay until the test's end; then waits until all is replayed."""

    def pause():
        catch_up(stack, standby)
        standby("select pg_wal_replay_pause()")
        wait_for(lambda: standby("select pg_get_wal_replay_pause_state()") == [("paused",)], what="the pause")

    yield pause
    standby("select pg_wal_replay_resume()")
    catch_up(stack, standby)


def sessions(standby):
    """Of responders, on the standby."""
    return standby("select count(*) from pg_stat_activity where application_name = 'novatune-streamd'")[0][0]


def start_on(responders, standby, **settings):
    return responders().start_on_own_sockets(**{"NOVATUNE_DATABASE_URL": standby.url} | settings)


def test_lag_of_a_standby_is_shown(stack, standby, paused, responders, world, user, track):
    catch_up(stack, standby)
    responder = start_on(responders, standby, NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack))
    assert responder.ask(track, user.token)[0] == 200
    wait_for(lambda: responder.metrics().get(LAG) == 0, what="no lag")
    paused()
    world.set_user(user, "status = 'Suspended'")
    wait_for(lambda: responder.metrics()[LAG] > 1, what="the lag's growth")
    # Without a limit the former state holds for as long as the lag lasts.
    assert responder.ask(track, user.token)[0] == 200
    database = responder.readiness()["database"]
    assert database["status"] == "ok" and database["replicaLagMs"] > 1000
    assert LIMIT not in responder.metrics()


def test_standby_that_is_too_far_behind_answers_no_request(stack, standby, paused, responders, world, user, track):
    catch_up(stack, standby)
    responder = start_on(responders, standby, NOVATUNE_DATABASE_REPLICA_LAG="1s", NOVATUNE_BREAKER_OPEN="1s")
    assert responder.ask(track, user.token)[0] == 200
    paused()
    world.set_user(user, "status = 'Suspended'")
    wait_for(lambda: responder.ask(track, user.token)[0] == 503, what="the refusal")
    wait_for(lambda: "NOVATUNE_DATABASE_REPLICA_LAG allows 1s" in str(responder.readiness()["database"]))
    # The probe that measures it may have been a moment before the refusal.
    wait_for(lambda: responder.metrics()[LAG] > responder.metrics()[LIMIT] == 1)
    standby("select pg_wal_replay_resume()")
    wait_for(lambda: responder.ask(track, user.token)[0] == 403, what="the suspension")


def test_requests_go_to_the_primary_while_the_standby_is_too_far_behind(
        stack, standby, paused, responders, world, user, track):
    catch_up(stack, standby)
    responder = start_on(
        responders, standby, NOVATUNE_DATABASE_URL=hosts(standby.address, address(stack)),
        NOVATUNE_DATABASE_REPLICA_LAG="1s")
    assert responder.ask(track, user.token)[0] == 200 and sessions(standby) > 0
    paused()
    world.set_user(user, "status = 'Suspended'")
    answers = []
    wait_for(lambda: answers.append(responder.ask(track, user.token)[0]) or answers[-1] == 403, what="the suspension")
    assert set(answers) <= {200, 403}


@pytest.mark.parametrize("first", ["primary", "standby"])
def test_standby_is_preferred_and_the_primary_taken_without_one(stack, standby, responders, user, track, first):
    catch_up(stack, standby)
    servers = [address(stack), standby.address]
    if first == "standby":
        servers.reverse()
    wait_for(lambda: sessions(standby) == 0, 20, "the end of former sessions")
    responder = start_on(
        responders, standby, NOVATUNE_DATABASE_URL=hosts(*servers, attributes="target_session_attrs=prefer-standby"))
    assert responder.ask(track, user.token)[0] == 200
    # The loop's and the probe's.
    wait_for(lambda: sessions(standby) >= 2, what="sessions on the standby")
    # A standby does not support LISTEN: the subscriber takes the primary of the same string.
    wait_for(lambda: responder.metrics()["novatune_invalidation_subscriber_up"] == 1, what="the subscriber")
    responder.stop()
    alone = start_on(
        responders, standby, NOVATUNE_DATABASE_URL=hosts(
            address(stack), ("/nonexistent", 1), attributes="target_session_attrs=prefer-standby"))
    assert alone.ask(track, user.token)[0] == 200


def test_subscriber_on_a_standby_alone_is_reported(standby, responders, user, track, stack):
    catch_up(stack, standby)
    responder = start_on(responders, standby)
    wait_for(lambda: "standby" in str(responder.readiness()["invalidations"]), what="the reason")
    # Requests need no subscriber; the database may not have been probed yet.
    wait_for(lambda: responder.gate("/readyz")[0] == 200, what="ready")
    assert responder.ask(track, user.token)[0] == 200


# Which of two servers has the sessions; both orders.
TAKEN = {"primary": "primary", "read-write": "primary", "standby": "standby", "read-only": "standby", "any": "first"}


@pytest.mark.parametrize("first", ["primary", "standby"])
@pytest.mark.parametrize("attributes", TAKEN)
def test_server_is_chosen_as_libpq_does(stack, standby, responders, user, track, attributes, first):
    catch_up(stack, standby)
    servers = [address(stack), standby.address]
    if first == "standby":
        servers.reverse()
    wait_for(lambda: sessions(standby) == 0, 20, "the end of former sessions")
    responder = start_on(
        responders, standby, NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack),
        NOVATUNE_DATABASE_URL=hosts(*servers, attributes=f"target_session_attrs={attributes}"))
    assert responder.ask(track, user.token)[0] == 200
    taken = first if TAKEN[attributes] == "first" else TAKEN[attributes]
    if taken == "standby":
        wait_for(lambda: sessions(standby) >= 2, what="sessions on the standby")
    else:
        assert sessions(standby) == 0
