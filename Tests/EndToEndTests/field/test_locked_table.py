"""A table that a forgotten transaction locks while no request comes."""

import psycopg
import pytest

from harness import database_server
from harness.database_server import ROLE, Standby, hosts
from harness.waiting import wait_for

# Of the responder: its backends, and what those ask that wait for a lock.
SESSIONS = f"select pid from pg_stat_activity where usename = '{ROLE}' and backend_type = 'client backend'"
WAITING = f"select pid, query_start from pg_stat_activity where usename = '{ROLE}' and wait_event_type = 'Lock'"


@pytest.fixture
def server(stack, track):
    """A primary of the test's own, so that no other responder asks there; it has the track."""
    with database_server.directory() as directory:
        server = Standby(database_server.address(stack), directory)
        try:
            database_server.catch_up(stack, server)
            server.promote()
            yield server
        finally:
            server.stop()


def test_locked_table_is_reported_and_costs_no_backends_and_the_next_request_is_answered(
        user, track, server, responders):
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=hosts(server.address), NOVATUNE_CACHE_URL="memory:")
    statuses = lambda: {name: entry["status"] for name, entry in responder.readiness().items()}
    assert responder.ask(track, user.token)[0] == 200
    well = wait_for(lambda: set(statuses().values()) == {"ok"} and statuses(), 20, "ready")
    before, counts, questions = len(server(SESSIONS)), [], set()

    def look():
        counts.append(len(server(SESSIONS)))
        questions.update(server(WAITING))

    with psycopg.connect(server.owner_url) as holder:
        holder.execute("lock table novatune.tracks in access exclusive mode")
        # The health probe asks what a request asks, and gives each of its questions up after a while.
        wait_for(lambda: look() or len(questions) >= 4, 60, "several questions that waited for the lock")
        assert statuses() == well | {"database": "failed"}
        assert responder.gate("/readyz")[0] == 503 and responder.gate("/healthz")[0] == 200
        # Not that a pool is too small.
        reason = responder.readiness()["database"]["reason"]
        assert "no answer" in reason and "pool" not in reason
    assert responder.ask(track, user.token)[0] == 200
    wait_for(lambda: statuses() == well and responder.gate("/readyz")[0] == 200, 20, "ready again")
    # A question that is given up may still have its backend when the next one is asked.
    assert max(counts) <= before + 1
    wait_for(lambda: len(server(SESSIONS)) == before, 20, "as many backends as before")
