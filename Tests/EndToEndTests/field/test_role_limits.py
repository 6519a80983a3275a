"""The limits of the database's roles, reached by real logins."""

import contextlib

import psycopg
import pytest

from harness.ulids import ulid

READERS = 10


@pytest.fixture
def login(stack, database):
    """Makes a login, a member of the given roles with their limits, and returns its connection string."""
    made = []

    def make(*roles):
        name = f"person_{ulid().lower()}"
        made.append(name)
        database(f"create role {name} login password 'of-a-test'")
        for role in roles:
            database(f"grant {role} to {name}")
            database("select novatune.copy_limits(%s, %s)", role, name)
        parts = psycopg.conninfo.conninfo_to_dict(stack["DATABASE_URL"])
        return psycopg.conninfo.make_conninfo(**parts | {"user": name, "password": "of-a-test"})

    yield make
    for name in made:
        database("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", name)
        database(f"drop owned by {name}")
        database(f"drop role {name}")


def refused(conninfo):
    with pytest.raises(psycopg.OperationalError) as failure:
        psycopg.connect(conninfo)
    return str(failure.value)


def test_login_without_a_role_may_not_connect(login):
    assert "permission denied for database" in refused(login())


def test_reader_has_as_many_connections_as_its_role(login):
    conninfo = login("novatune_reader")
    with contextlib.ExitStack() as held:
        for _ in range(READERS):
            held.enter_context(psycopg.connect(conninfo)).execute("select count(*) from novatune.tracks")
        assert "too many connections for role" in refused(conninfo)


def test_member_can_neither_listen_in_a_flood_nor_write(login):
    with psycopg.connect(login("novatune_reader"), autocommit=True) as reader:
        for statement in (
                "insert into novatune.users (user_id) values ('01HXK5Z8J3QW9R7N2M4P6T8V0B')",
                "select novatune.suspend_user('01HXK5Z8J3QW9R7N2M4P6T8V0B', 'x')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)


@pytest.mark.parametrize("setting, value", [
    ("statement_timeout", "1min"), ("lock_timeout", "10s"), ("idle_in_transaction_session_timeout", "1min")])
def test_login_has_the_time_limits_of_its_role(login, setting, value):
    with psycopg.connect(login("novatune_reader")) as reader:
        assert reader.execute(f"show {setting}").fetchall() == [(value,)]
