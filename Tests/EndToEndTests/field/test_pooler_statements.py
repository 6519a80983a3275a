"""Named statements through a PgBouncer that pools transactions and keeps prepared statements (1.21 and newer).

It gives each statement a name of its own, and prepares it on a server connection that lacks it.
"""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import psycopg
import pytest

from harness import canaries, database_server
from harness.ulids import ulid
from harness.waiting import concurrently, wait_for

pytestmark = pytest.mark.skipif(
    database_server.pooler_version() < (1, 21),
    reason="no PgBouncer 1.21 or newer, which keeps prepared statements: neither $PGBOUNCER nor PATH has it")

CONNECTIONS = 2
OF_POOLER, OF_RESPONDER = "PGBOUNCER_", "stream_access_"


class Session(NamedTuple):
    """A server connection of the pool."""

    pid: int
    executions: dict[str, int]


def prepared(client):
    """Executions of the access query on its server connection, by the name of each prepared statement."""
    return dict(client.execute(
        "select name, generic_plans + custom_plans from pg_prepared_statements"
        " where statement like '%session_epoch%'").fetchall())


class Pool:
    """All server connections of a pooler."""

    def __init__(self, pooler):
        self.url, self.admin = pooler.url, pooler.admin

    @contextlib.contextmanager
    def clients(self):
        """A client on each server connection: their transactions are open together."""
        with contextlib.ExitStack() as transactions:
            clients = [
                transactions.enter_context(psycopg.connect(self.url, prepare_threshold=None))
                for _ in range(CONNECTIONS)]
            for client in clients:
                client.execute("select")
            yield clients

    def sessions(self):
        with self.clients() as clients:
            return [
                Session(client.execute("select pg_backend_pid()").fetchone()[0], prepared(client))
                for client in clients]

    def pids(self):
        return {session.pid for session in self.sessions()}

    def names(self):
        return {name for session in self.sessions() for name in session.executions}

    def executions(self):
        return sum(sum(session.executions.values()) for session in self.sessions())


@pytest.fixture
def pool(stack):
    """Starts a pooler of transactions that keeps so many statements of each server connection."""
    with database_server.poolers(stack) as start:
        yield lambda statements: Pool(start(
            pool_mode="transaction", default_pool_size=CONNECTIONS, max_prepared_statements=statements))


@pytest.fixture
def behind(stack, responders):
    """Starts a responder behind a pool, with the default of NOVATUNE_DATABASE_STATEMENTS."""
    return lambda pool: responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=pool.url, NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack),
        NOVATUNE_LOOPS="2")


@pytest.fixture
def ask(world):
    """Many requests side by side, of 60 users for a track of each, to all responders in turn; each is answered."""
    users = world.users(60)
    tracks = world.tracks(users)

    def ask(*responders, count=60):
        answers = concurrently(count, lambda index: responders[index % len(responders)].ask(
            tracks[index % 60], users[index % 60].token))
        assert [status for status, _ in answers] == [200] * count

    return ask


def assert_by_name(pool, ask, *responders, count=60):
    """Each request is an execution of a prepared statement."""
    before = pool.executions()
    ask(*responders, count=count)
    assert pool.executions() >= before + count


def failures(*responders):
    return [event for responder in responders for event in responder.events("dependency failed")]


def test_each_request_uses_a_statement_that_the_pooler_has_prepared(pool, behind, ask):
    through = pool(200)
    first, second = behind(through), behind(through)
    assert_by_name(through, ask, first, second, count=240)
    # Four event loops share both server connections.
    wait_for(lambda: ask(first, second) or all(session.executions for session in through.sessions()), 20,
        "the statement on both server connections")
    assert all(name.startswith(OF_POOLER) for name in through.names())
    assert failures(first, second) == []
    assert first.readiness()["database"] == second.readiness()["database"] == {"status": "ok"}


def test_pooler_that_keeps_no_statement_costs_no_request(pool, behind, ask):
    through = pool(0)
    first, second = behind(through), behind(through)
    for _ in range(3):
        ask(first, second)
        # Further server connections have no statement.
        through.admin("reconnect novatune")
    third = behind(through)
    ask(first, second, third)
    # The server knows the responder's own name.
    assert (names := through.names()) and all(name.startswith(OF_RESPONDER) for name in names)
    assert failures(first, second, third) == []


def test_pooler_that_keeps_one_statement_serves_both_forms_of_the_query(
        stack, pool, behind, ask, database, mint, user, track):
    """Users by their ULIDs and users by identities of a provider push each other's statement out."""
    subject = f"auth0|{ulid()}"
    canaries.add(subject, kind="subject")
    database("select novatune.link_identity(%s, %s, %s)", stack["JWT_ISSUER"], subject, user.id)
    through = pool(1)
    responder = behind(through)
    tokens = [user.token, mint.hs256(subject)]
    answers = concurrently(120, lambda index: responder.ask(track, tokens[index % 2]))
    assert [status for status, _ in answers] == [200] * 120
    assert all(len(session.executions) <= 1 for session in through.sessions()) and through.names()
    # Nothing pushes a statement out, and its executions with it, where users have ULIDs alone.
    through.admin("reconnect novatune")
    assert_by_name(through, ask, responder)
    assert failures(responder) == []


def reconnect(pool, _):
    pool.admin("reconnect novatune")


def kill(pool, _):
    """Clients lose their connections, too."""
    pool.admin("kill novatune")
    pool.admin("resume novatune")


def terminate(pool, database):
    for pid in pool.pids():
        assert database("select pg_terminate_backend(%s, 5000)", pid) == [(True,)]


@pytest.mark.parametrize("replace", [reconnect, kill, terminate])
def test_replaced_server_connections_cost_no_later_request(pool, behind, ask, database, replace):
    through = pool(200)
    responder = behind(through)
    for _ in range(3):
        ask(responder)
        former = through.pids()
        replace(through, database)
        ask(responder)
        assert not former & through.pids()
        assert_by_name(through, ask, responder)
    assert failures(responder) == []


def test_server_connections_that_are_replaced_under_traffic_cost_no_request(pool, behind, ask):
    through = pool(200)
    first, second = behind(through), behind(through)
    pids = through.pids()
    with ThreadPoolExecutor() as threads:
        traffic = threads.submit(ask, first, second, count=1200)
        while not traffic.done():
            through.admin("reconnect novatune")
            pids |= through.pids()
        traffic.result()
    assert len(pids) > 2 * CONNECTIONS
    assert failures(first, second) == []


def every(client):
    return ["all"]


def each(client):
    return [f'"{name}"' for name in prepared(client)]


@pytest.mark.parametrize("names", [every, each])
def test_statements_that_another_client_of_the_pool_drops_cost_no_request(pool, behind, ask, names):
    """PgBouncer 1.22 and newer notice `deallocate all`; a statement that is dropped by its name is missing then."""
    through = pool(200)
    responder = behind(through)
    for _ in range(3):
        ask(responder)
        with through.clients() as clients:
            for client in clients:
                for name in names(client):
                    client.execute(f"deallocate {name}")
        assert through.names() == set()
        ask(responder)
    further = behind(through)
    ask(responder, further)
    assert failures(responder, further) == []
