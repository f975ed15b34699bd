"""Who may do what in PostgreSQL, tried on a real one: `chatire_setup.databases`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from chatire_setup.databases import SERVICES, owner_of, provision, role_of

from chatire_local.data_folder import DataFolder
from chatire_local.keyring import Keyring
from chatire_shared.testing.postgres_server import PostgresServer

REFUSED = psycopg2.errors.InsufficientPrivilege


class Server:
    """A PostgreSQL, the passwords of its roles, and a way in as each."""

    def __init__(self, url: str, folder: Path) -> None:
        self.superuser = urlsplit(url)
        data = DataFolder(folder)
        data.make()
        (data.secrets / "postgres-superuser.password").write_text(str(self.superuser.password))
        self.keyring = Keyring(data)

    def provision(self) -> None:
        place = str(self.superuser.hostname), int(self.superuser.port or 0)
        provision(self.keyring, *place, superuser=str(self.superuser.username))

    def run(self, statement: str, service: str, role: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """As `owner`, `service` or `superuser`, in the database of `service`."""
        named = {
            "owner": (owner_of(service), f"{service}-owner-database"),
            "service": (role_of(service), f"{service}-database"),
        }
        named["superuser"] = (str(self.superuser.username), "postgres-superuser")
        user, secret = named[role]
        place = {"host": self.superuser.hostname, "port": self.superuser.port, "dbname": database or role_of(service)}
        with closing(psycopg2.connect(**place, user=user, password=self.keyring.password(secret))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    server = PostgresServer()
    server.start()
    yield server.url
    server.destroy()


@pytest.fixture
def server(postgres: str, tmp_path: Path) -> Server:
    """With both databases; a table in each, made as migrations make one."""
    server = Server(postgres, tmp_path)
    server.provision()
    for service in SERVICES:
        server.run("DROP TABLE IF EXISTS deed", service, "owner")
        server.run("CREATE TABLE deed (id bigserial PRIMARY KEY, what text)", service, "owner")
    return server


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_and_writes_rows(server: Server, service: str) -> None:
    server.run("INSERT INTO deed (what) VALUES ('sung')", service, "service")
    server.run("UPDATE deed SET what = 'danced'", service, "service")
    assert server.run("SELECT what FROM deed FOR UPDATE", service, "service") == [("danced",)]
    server.run("DELETE FROM deed", service, "service")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE deed ADD COLUMN more text",
        "DROP TABLE deed",
        "TRUNCATE deed",
        "CREATE INDEX ON deed (what)",
        "CREATE ROLE more",
        "CREATE DATABASE more",
        "SELECT rolpassword FROM pg_authid",
        "COPY deed TO PROGRAM 'cat'",
    ],
)
def test_a_service_changes_no_table_and_no_role(server: Server, service: str, statement: str) -> None:
    with pytest.raises(REFUSED):
        server.run(statement, service, "service")


@pytest.mark.parametrize("role", ["service", "owner"])
@pytest.mark.parametrize("database", ["chatire_messages", "postgres", "template1"])
def test_no_role_of_auth_gets_into_another_database(server: Server, role: str, database: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        server.run("SELECT 1", "auth", role, database)


def test_an_owner_is_nobody_special_beyond_its_tables(server: Server) -> None:
    for statement in ("CREATE ROLE more", "CREATE DATABASE more", "SELECT rolpassword FROM pg_authid"):
        with pytest.raises(REFUSED):
            server.run(statement, "auth", "owner")


def test_what_services_owned_before_becomes_their_owners(server: Server) -> None:
    server.run(f"ALTER DATABASE chatire_auth OWNER TO {role_of('auth')}", "auth", "superuser")
    server.run(
        f"ALTER TABLE deed OWNER TO {role_of('auth')}; ALTER SCHEMA public OWNER TO {role_of('auth')}",
        "auth",
        "superuser",
    )
    server.run("INSERT INTO deed (what) VALUES ('kept')", "auth", "service")
    server.provision()
    assert server.run("SELECT what FROM deed", "auth", "service") == [("kept",)]
    with pytest.raises(REFUSED):
        server.run("ALTER TABLE deed ADD COLUMN more text", "auth", "service")
    server.run("ALTER TABLE deed ADD COLUMN more text", "auth", "owner")


def test_a_new_password_holds_from_the_next_start_on(server: Server, postgres: str, tmp_path: Path) -> None:
    renewed = Server(postgres, tmp_path / "renewed")
    renewed.provision()
    assert renewed.run("SELECT 1", "messages", "service") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        server.run("SELECT 1", "messages", "service")
