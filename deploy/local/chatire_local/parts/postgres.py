"""PostgreSQL as a part of the stack: one cluster, two databases whose owners cannot open each other's."""

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql

from ..checkout import shown
from ..console import Console
from ..data_folder import DataFolder, write_private
from ..errors import LauncherError
from ..keyring import Keyring
from ..processes import StopPlan
from ..stack.errands import Errands
from ..stack.part import Part
from .postgres_home import PostgresHome, find_home

if TYPE_CHECKING:
    from psycopg2.extensions import connection

SUPERUSER = "chatire_superuser"
DATABASES = {"auth": "chatire_auth", "messages": "chatire_messages"}
TIER = 5
# SIGTERM would be the *smart* stop, which waits for every client to leave by itself.
STOP_PLAN: StopPlan = ((signal.SIGINT, 15), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
# What PostgreSQL keeps its promises with (fsync, full_page_writes, synchronous_commit) stays on: an ack is a commit.
SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %d ",
    "password_encryption": "scram-sha-256",
}
LOCALE = ("-E", "UTF8", "--locale=C.UTF-8")
# Upper and lower case of all of Unicode without ICU, and the same on every system. PostgreSQL has it since 17.
BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
FIRST_WITH_BUILTIN_LOCALE = 17
PROVISIONED = "chatire-provisioned"


class Postgres:
    """The cluster in one data folder."""

    def __init__(self, data: DataFolder, keyring: Keyring, port: int, settings: Mapping[str, str] = SETTINGS) -> None:
        """Find PostgreSQL's programs; nothing is started or written yet."""
        self._settings = settings
        self._data = data
        self._keyring = keyring
        self._port = port
        self._home: PostgresHome = find_home(data)

    @property
    def cluster(self) -> Path:
        """The folder PostgreSQL keeps its files in."""
        return self._data.path / "postgres"

    def url(self, service: str) -> str:
        """How one service reaches its own database."""
        password = self._keyring.password(f"{service}-database")
        return f"postgresql://{DATABASES[service]}:{password}@127.0.0.1:{self._port}/{DATABASES[service]}"

    def superuser_url(self, database: str = "postgres") -> str:
        """How the launcher itself reaches any database; no service gets to know it."""
        password = self._keyring.password("postgres-superuser")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._port}/{database}"

    def prepare(self, errands: Errands, console: Console) -> None:
        """Make the cluster on the first start; refuse one that another major version made."""
        if (self.cluster / "PG_VERSION").exists():
            self._refuse_other_major()
            return
        if self.cluster.exists():
            message = (
                f"{shown(self.cluster)} is there but holds no PostgreSQL cluster. "
                "Move it away if it holds nothing you need, then start again."
            )
            raise LauncherError(message)
        with console.step("postgres", "making a new database cluster", "made"):
            self._init_cluster(errands)

    def _refuse_other_major(self) -> None:
        major = (self.cluster / "PG_VERSION").read_text().strip()
        if major != str(self._home.major):
            message = (
                f"the data in {shown(self.cluster)} was written by PostgreSQL {major}, this is {self._home.version}. "
                f"Dump it with version {major} (pg_dumpall), move the folder away, start once, and load the dump."
            )
            raise LauncherError(message)

    def _init_cluster(self, errands: Errands) -> None:
        """Make it under another name and rename it: a start that is cut off leaves no half cluster."""
        half = self._data.path / "postgres.new"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        # A copy for the owner alone: initdb may run as somebody who cannot look into the folder of secrets.
        password_file = self._data.path / "postgres-superuser.once"
        write_private(password_file, self._keyring.password("postgres-superuser"))
        if owner := self._home.owner:
            for path in (half, password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        locale = LOCALE + (BUILTIN_LOCALE if self._home.major >= FIRST_WITH_BUILTIN_LOCALE else ())
        options = ("-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", password_file, *locale)
        command = self._home.command("initdb", "-D", half, *options)
        try:
            done = errands.run(command, _environment(), Path("/"))
        finally:
            password_file.unlink()
        if done.code != 0:
            raise LauncherError(f"initdb failed:\n{done.tail(15)}\nIs there room on the disk?")
        half.rename(self.cluster)

    def part(self) -> Part:
        """The server as the supervisor runs it."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        # No socket file (-k ''): its path may be longer than the 107 bytes a socket's name can have.
        options = ("-D", self.cluster, "-h", "127.0.0.1", "-p", self._port, "-k", "", *settings)
        return Part(
            name="postgres",
            command=self._home.command("postgres", *options),
            environment=_environment(),
            address=f"127.0.0.1:{self._port}",
            probe=self._probe,
            tier=TIER,
            stop_plan=STOP_PLAN,
            folder=Path("/"),
            version=self._home.version,
        )

    def _probe(self) -> str | None:
        try:
            psycopg2.connect(self.superuser_url(), connect_timeout=2).close()
        except psycopg2.OperationalError as failure:
            if "password authentication failed" in str(failure):
                message = (
                    f"the password in {shown(self._data.secrets)} does not fit the cluster in {shown(self.cluster)}: "
                    "they belong together. Put back the secrets folder this cluster was made with."
                )
                raise LauncherError(message) from failure
            return str(failure).strip()
        return None

    def make_database(self, name: str) -> str:
        """Make one more database, the superuser's own; return its address. For tests."""
        with closing(psycopg2.connect(self.superuser_url())) as server:
            server.autocommit = True
            with server.cursor() as cursor:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.superuser_url(name)

    def provision(self) -> None:
        """Make the two databases and their owners, once; a start that was cut off in between is completed."""
        done = self._data.path / "postgres" / PROVISIONED
        if done.exists():
            return
        with closing(psycopg2.connect(self.superuser_url())) as server:
            server.autocommit = True  # CREATE DATABASE cannot be inside a transaction.
            for service, name in DATABASES.items():
                _make_owner(server, name, self._keyring.password(f"{service}-database"))
                _make_database(server, name)
            for name in ("postgres", "template1"):
                _close_to_public(server, name)
        done.touch(mode=0o600)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _make_owner(server: "connection", name: str, password: str) -> None:
    with server.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
        cursor.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def _make_database(server: "connection", name: str) -> None:
    with server.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
    _close_to_public(server, name)


def _close_to_public(server: "connection", database: str) -> None:
    """By default every role may connect to every database; here only its owner may."""
    with server.cursor() as cursor:
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
