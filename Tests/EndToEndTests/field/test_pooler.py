"""The responder behind PgBouncer, as Debian ships it or as $PGBOUNCER names it."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psycopg
import pytest

from harness import canaries, database_server
from harness.sockets import connections
from harness.waiting import concurrently, wait_for
from support.database import Database
from support.rings import replace

NOTHING = "invalidation subscriber receives nothing"
# Two server connections for four clients: sessions of transactions do not stay on one.
TRANSACTIONS = {"pool_mode": "transaction", "default_pool_size": 2}


@pytest.fixture
def pooler(stack):
    with database_server.poolers(stack) as start:
        yield start


def subscriber(responder):
    return responder.readiness()["invalidations"]


def receives(responder):
    return responder.metrics()["novatune_invalidation_subscriber_up"] == 1


def assert_all_answered(responder, world, count=60):
    assert_all_answered_now(responder, world, count)
    assert responder.events("dependency failed") == []


def assert_all_answered_now(responder, world, count=60):
    """Each for a track of its own, many at a time."""
    users = world.users(count)
    tracks = world.tracks(users)
    answers = concurrently(count, lambda index: responder.ask(tracks[index], users[index].token))
    assert [status for status, _ in answers] == [200] * count


def test_session_pooling_needs_no_setting(pooler, responders, world):
    responder = responders().start_on_own_sockets(NOVATUNE_DATABASE_URL=pooler().url)
    assert_all_answered(responder, world)
    wait_for(lambda: receives(responder), what="the subscriber")
    assert subscriber(responder) == {"status": "ok", "optional": True}


WAITS = "a pool of sessions needs NOVATUNE_LOOPS + 3 for each responder"


def test_pool_of_sessions_that_is_too_small_is_named(pooler, responders, command, world, user, track):
    """Two sessions: an event loop, the probe or the subscriber goes without, and all of them say why."""
    through = pooler(default_pool_size=2)
    settings = {"NOVATUNE_DATABASE_URL": through.url, "NOVATUNE_DATABASE_TIMEOUT": "500ms"}
    responder = responders().start_on_own_sockets(NOVATUNE_LOOPS="3", NOVATUNE_BREAKER_OPEN="1s", **settings)
    wait_for(lambda: responder.gate("/readyz")[0] == 503 and WAITS in responder.readiness()["database"]["reason"],
        20, "the reason in /readyz")
    assert responder.metrics()['novatune_readiness{dependency="database"}'] == 0
    reasons = lambda: {line["reason"] for line in responder.events("dependency failed")}
    # Each connection of nginx's goes to the next loop, and at least one has no session.
    wait_for(lambda: responder.ask(track, user.token) and any(WAITS in reason for reason in reasons()), 20, "the log")
    checked = command("check", "--config", responder.config, **settings)
    lines = {line.split(None, 2)[0]: line for line in checked.stdout.splitlines()}
    assert checked.returncode == 1 and WAITS in lines["database"] and " failed " in lines["database"]
    assert WAITS in lines["invalidations"]
    through.admin("set default_pool_size = 6")
    wait_for(lambda: responder.gate("/readyz")[0] == 200, 20, "readiness in a pool that is large enough")
    assert_all_answered_now(responder, world)


def test_session_that_a_pooler_reuses_has_the_statement_already(pooler, responders, world):
    # Without the reset that Debian's configuration has: the next client finds what the former one has prepared.
    through = pooler(default_pool_size=4, server_reset_query="")
    for _ in range(2):
        responder = responders().start_on_own_sockets(NOVATUNE_DATABASE_URL=through.url)
        assert_all_answered(responder, world)
        assert responder.stop() == 0


@pytest.mark.parametrize("statements", ["named", "unnamed"])
def test_transaction_pooling_answers_every_request(pooler, responders, world, statements):
    through = pooler(**TRANSACTIONS)
    settings = {"NOVATUNE_DATABASE_URL": through.url, "NOVATUNE_DATABASE_STATEMENTS": statements, "NOVATUNE_LOOPS": "2"}
    first, second = (responders().start_on_own_sockets(**settings) for _ in range(2))
    for _ in range(3):
        for responder in (first, second):
            assert_all_answered(responder, world)
        # Further server connections have no statement.
        through.admin("reconnect novatune")
    assert first.readiness()["database"] == second.readiness()["database"] == {"status": "ok"}


def test_unnamed_statements_leave_sessions_as_they_are(stack, pooler, responders, world):
    through = pooler(pool_mode="transaction", default_pool_size=1)
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=through.url, NOVATUNE_DATABASE_STATEMENTS="unnamed",
        NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack))
    assert_all_answered(responder, world)
    # The only session that there is.
    with psycopg.connect(through.url, autocommit=True, prepare_threshold=None) as session:
        assert session.execute("select name from pg_prepared_statements").fetchall() == []
        assert session.execute("show statement_timeout").fetchone() == ("65s",)


def test_subscriber_behind_transaction_pooling_is_reported(pooler, responders, command, user, track):
    through = pooler(**TRANSACTIONS)
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=through.url, NOVATUNE_DATABASE_TIMEOUT="500ms")
    event = responder.wait_for_event(NOTHING)
    assert event["code"] == "no_notification" and "NOVATUNE_DATABASE_SUBSCRIBER_URL" in event["reason"]
    assert not receives(responder)
    assert subscriber(responder)["status"] == "failed" and "pooler" in subscriber(responder)["reason"]
    # Requests need no invalidation.
    assert responder.gate("/readyz")[0] == 200 and responder.ask(track, user.token)[0] == 200
    checked = command(
        "check", "--config", responder.config, NOVATUNE_DATABASE_URL=through.url, NOVATUNE_DATABASE_TIMEOUT="500ms")
    line = next(line.split(None, 2) for line in checked.stdout.splitlines() if line.startswith("invalidations"))
    assert line[1] == "warning" and "NOVATUNE_DATABASE_SUBSCRIBER_URL" in line[2] and checked.returncode == 0


@pytest.fixture
def waiting(stack, pooler, responders, user, track):
    """A responder whose loop waits for a session: of a pool of two its probe has one, another client the other."""
    through = pooler(default_pool_size=2)
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=through.url, NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack),
        NOVATUNE_DATABASE_TIMEOUT="500ms", NOVATUNE_LOOPS="1")
    wait_for(lambda: responder.readiness()["database"]["status"] == "ok", what="the probe's session")
    assert responder.ask(track, user.token)[0] == 200
    with (psycopg.connect(through.url, autocommit=True, prepare_threshold=None) as other,
          ThreadPoolExecutor() as threads):
        answer = threads.submit(other.execute, "select 1")
        # Of the pool's row, the clients that wait.
        wait_for(lambda: 1 in {row[3] for row in through.admin("show pools")}, what="the other client's turn")
        [[loop]] = stack.sql(
            # Who has asked last.
            "select pid from pg_stat_activity where usename = 'novatune_responder' and query like '%u.session_epoch%'"
            " order by query_start desc limit 1")
        stack.sql(f"select pg_terminate_backend({loop}, 5000)")
        answer.result(10)
        yield responder, through


def test_request_without_a_session_of_the_pool_is_503_until_the_pool_is_larger(waiting, command, user, track):
    responder, through = waiting
    assert responder.ask(track, user.token)[0] == 503
    failure = responder.wait_for_event("dependency failed")
    assert failure["dependency"] == "database" and failure["code"] == "timeout"
    checked = command(
        "check", "--config", responder.config, NOVATUNE_DATABASE_URL=through.url, NOVATUNE_DATABASE_TIMEOUT="500ms")
    line = next(line.split(None, 2) for line in checked.stdout.splitlines() if line.startswith("database  "))
    assert line[1] == "failed" and checked.returncode == 1
    # A larger pool is enough, without a restart.
    through.admin("set default_pool_size = 20")
    wait_for(lambda: responder.ask(track, user.token)[0] == 200, 40, "200 with a larger pool")


def test_subscriber_with_a_url_of_its_own_receives(stack, pooler, responders, user, track):
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=pooler(**TRANSACTIONS).url, NOVATUNE_CACHE_URL="memory:",
        NOVATUNE_DATABASE_SUBSCRIBER_URL=database_server.by_socket(stack))
    wait_for(lambda: receives(responder), what="the subscriber")
    assert responder.ask(track, user.token)[0] == 200 and responder.metrics()["novatune_cache_entries"] == 1
    with Database(stack["DATABASE_URL"]) as database:
        database("update novatune.tracks set file_size_bytes = file_size_bytes + 1 where track_id = %s", track.id)
    wait_for(lambda: responder.metrics()["novatune_cache_entries"] == 0, what="the entry's end")
    assert responder.events(NOTHING) == []


def test_url_of_another_client_is_named(command):
    done = command("check", NOVATUNE_DATABASE_URL="postgresql://u:p@pooler:6543/d?pgbouncer=true")
    line = next(line for line in done.stdout.splitlines() if line.startswith("NOVATUNE_DATABASE_URL "))
    assert done.returncode == 78 and "Prisma" in line and "NOVATUNE_DATABASE_STATEMENTS=unnamed" in line


# The connection alone, without a pooler.


def test_role_that_may_only_read_is_served(stack, database, responders, user, track):
    database("alter role novatune_responder set default_transaction_read_only = on")
    try:
        responder = responders().start_on_own_sockets()
        assert responder.ask(track, user.token)[0] == 200
        wait_for(lambda: receives(responder), what="the subscriber")
    finally:
        database("alter role novatune_responder reset default_transaction_read_only")


class Login:
    """A role with a password, which the server asks for by TCP."""

    def __init__(self, stack, database):
        self._port, self._database = stack["PG_PORT"], database
        database("drop role if exists novatune_login")
        database("create role novatune_login login in role novatune_responder")

    def change_password(self, password):
        canaries.add(password, kind="database password")
        self._database(f"alter role novatune_login password '{password}'")
        self.url = f"postgresql://novatune_login:{password}@127.0.0.1:{self._port}/novatune"

    def end_sessions(self):
        self._database("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'novatune_login'")

    def drop(self):
        self._database("alter role novatune_login nologin")
        self.end_sessions()
        self._database("drop role novatune_login")


@pytest.fixture
def login(stack, database):
    login = Login(stack, database)
    login.change_password("the-first-password-of-a-test")
    yield login
    login.drop()


def test_changed_password_is_used_by_the_next_connection(responders, login, tmp_path, world):
    file = tmp_path / "url"
    replace(file, login.url + "\n")
    responder = responders().leave_out("DATABASE_URL").start_on_own_sockets(NOVATUNE_DATABASE_URL_FILE=str(file))
    assert_all_answered(responder, world, 10)
    login.change_password("the-second-password-of-a-test")
    replace(file, login.url + "\n")
    login.end_sessions()
    # Before the service has noticed the changed file by itself.
    assert_all_answered(responder, world, 10)


def test_passfile_is_read_for_each_connection(stack, responders, login, tmp_path, world):
    file = tmp_path / "passwords"
    line = lambda: f"127.0.0.1:{stack['PG_PORT']}:novatune:novatune_login:{urlsplit(login.url).password}\n"
    replace(file, line())
    responder = responders().start_on_own_sockets(
        NOVATUNE_DATABASE_URL=f"postgresql://novatune_login@127.0.0.1:{stack['PG_PORT']}/novatune?passfile={file}")
    login.change_password("the-second-password-of-a-test")
    replace(file, line())
    login.end_sessions()
    assert_all_answered(responder, world, 10)


def test_idle_connections_probe_their_peer(stack, responders, login):
    """A NAT that forgets an idle connection then costs no request its time limit."""
    responder = responders().start_on_own_sockets(NOVATUNE_DATABASE_URL=login.url)
    wait_for(lambda: receives(responder), what="the subscriber")
    # The loop, the probe, the subscriber; that of the check may still be there.
    wait_for(lambda: len(timers := keepalive_timers(responder, int(stack["PG_PORT"]))) >= 3 and all(
        seconds is not None and seconds <= 3 for seconds in timers), what="timers of all connections")


def test_keepalive_of_the_url_wins(stack, responders, login):
    responder = responders().start_on_own_sockets(NOVATUNE_DATABASE_URL=f"{login.url}?keepalives_idle=1000")
    wait_for(lambda: receives(responder), what="the subscriber")
    wait_for(lambda: any(
        seconds is not None and 900 < seconds <= 1000
        for seconds in keepalive_timers(responder, int(stack["PG_PORT"]))), what="a timer of 1,000 s")


def keepalive_timers(responder, port):
    """Seconds until the next probe, of each of its connections to the port; None where another timer runs, or none."""
    return [connection.probe_in for connection in connections(responder.process.pid, port)]
