"""Servers beside the stack's own PostgreSQL: a pooler in front of it, and a standby that follows it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from harness.nginx import free_port
from harness.process import family
from harness.waiting import wait_for

ROLE, OWNER = "novatune_responder", "novatune_owner"


def account():
    """PostgreSQL's programs and PgBouncer refuse to run as root; the stack's server has the account postgres then."""
    if os.getuid():
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def as_account():
    """The beginning of a command that another program starts, which itself may need root."""
    if not account():
        return []
    return ["setpriv", "--reuid", str(account()["user"]), "--regid", str(account()["group"]), "--clear-groups", "--"]


@contextlib.contextmanager
def directory():
    """A directory of that account: pytest's own is closed to it."""
    with tempfile.TemporaryDirectory(prefix="nt-") as path:
        if account():
            os.chown(path, account()["user"], account()["group"])
        yield Path(path)


def program(name):
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return found or (str(newest[-1]) if newest else name)


def by_socket(stack):
    """The responder's role on the socket of the stack's server, which asks for no password."""
    return f"postgresql://{ROLE}@/novatune?host={stack['PG_DIR']}&port={stack['PG_PORT']}"


def pooler_program():
    """$PGBOUNCER, or the one in PATH."""
    return os.environ.get("PGBOUNCER") or program("pgbouncer")


def pooler_version():
    """As (1, 18, 0); empty where there is none."""
    try:
        printed = subprocess.run([pooler_program(), "--version"], capture_output=True, text=True, timeout=10).stdout
    except FileNotFoundError:
        return ()
    return tuple(int(part) for part in printed.split()[1].split("."))


class Pooler:
    """PgBouncer in front of the stack's server; `settings` are lines of its section [pgbouncer]."""

    def __init__(self, stack, directory, **settings):
        self.port = free_port()
        self.log_file = directory / "pgbouncer.log"
        users, config = directory / "users.txt", directory / "pgbouncer.ini"
        users.write_text(f'"{ROLE}" ""\n"operator" ""\n')
        lines = {
            "listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "", "auth_type": "trust",
            "auth_file": users, "admin_users": "operator"} | settings
        config.write_text(
            f"[databases]\nnovatune = host={stack['PG_DIR']} port={stack['PG_PORT']} dbname=novatune\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in lines.items()))
        self.url = f"postgresql://{ROLE}@127.0.0.1:{self.port}/novatune"
        with open(self.log_file, "wb") as log:
            self._process = subprocess.Popen(
                [pooler_program(), str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **account())
        wait_for(lambda: self._answers() or self._process.poll() is not None, 10, "PgBouncer's start")
        assert self._process.poll() is None, self.log_file.read_text()

    def _answers(self):
        try:
            self.admin("show version")
        except psycopg.OperationalError:
            return False
        return True

    def admin(self, command):
        """Rows of a command of its console."""
        # The console knows the simple protocol only.
        with psycopg.connect(
                f"postgresql://operator@127.0.0.1:{self.port}/pgbouncer", autocommit=True,
                cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute(command)
            return cursor.fetchall() if cursor.description else []

    def stop(self):
        # It has nothing to keep, and with SIGTERM 1.23 and newer wait for their clients.
        self._process.kill()
        self._process.wait(10)


@contextlib.contextmanager
def poolers(stack):
    """Yields what starts a pooler with the settings that it is given."""
    with contextlib.ExitStack() as running:

        def start(**settings):
            pooler = Pooler(stack, running.enter_context(directory()), **settings)
            running.callback(pooler.stop)
            return pooler

        yield start


class Standby:
    """A hot standby of another server, which is a pair of its socket's directory and its port.

    `listen` is an address for TCP, from where the responder's role and further standbys need no password; `command`
    starts the server, for example in a network namespace that has the address.
    """

    def __init__(self, source, directory, listen="", command=(), port=None):
        host, source_port = source
        self.port, self.directory = port or free_port(), directory
        self.log_file = directory / "standby.log"
        subprocess.run(
            [program("pg_basebackup"), "--pgdata", directory / "data", "--host", host, "--port", str(source_port),
             "--username", OWNER, "--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast",
             "--no-sync"],
            check=True, timeout=60, stdin=subprocess.DEVNULL, **account())
        if listen:
            with open(directory / "data/pg_hba.conf", "a") as rules:
                rules.write(f"host all {ROLE} samenet trust\nhost replication {OWNER} samenet trust\n")
        self.url = f"postgresql://{ROLE}@/novatune?host={directory}&port={self.port}"
        self.owner_url = f"postgresql://{OWNER}@/novatune?host={directory}&port={self.port}"
        server = [
            *command, *as_account(), program("postgres"), "-D", str(directory / "data"), "-h", listen, "-p",
            str(self.port), "-k", str(directory), "-c", "fsync=off",
            # A standby whose primary is lost looks for a promotion after this time only.
            "-c", "wal_retrieve_retry_interval=100ms"]
        with open(self.log_file, "wb") as log:
            self._process = subprocess.Popen(server, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self._answers() or self._process.poll() is not None, 30, "the standby's start")
        assert self._process.poll() is None, self.log_file.read_text()

    @property
    def address(self):
        return self.directory, self.port

    def _answers(self):
        try:
            return self("select pg_is_in_recovery()") == [(True,)]
        except psycopg.OperationalError:
            return False

    def __call__(self, text):
        """Rows of a query of its owner."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def catch_up(self, position):
        """Waits until all up to there is replayed."""
        wait_for(lambda: self(f"select pg_last_wal_replay_lsn() >= '{position}'") == [(True,)], 20, "replay")

    def promote(self):
        """It is a primary of its own when this returns."""
        assert self("select pg_promote()") == [(True,)]

    def kill(self):
        """As the loss of its host: no process of it says goodbye."""
        for pid in family(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(20)


def address(stack):
    """Of the stack's server."""
    return stack["PG_DIR"], stack["PG_PORT"]


def catch_up(stack, standby):
    # The stack's server commits without waiting for the disk; what is not written yet is not sent either.
    *_, [position] = stack.sql(
        "set synchronous_commit = on; select pg_logical_emit_message(true, 'test', '');"
        " select pg_current_wal_flush_lsn()")
    standby.catch_up(position)


def hosts(*servers, attributes=""):
    """One connection string for several servers, each a pair of directory and port."""
    return (f"host={','.join(str(host) for host, _ in servers)} port={','.join(str(port) for _, port in servers)}"
            f" user={ROLE} dbname=novatune {attributes}")
