"""Makes the databases and their roles: `python -m chatire_setup.databases`.

Each database has two: an owner, which migrations run as, and the service's own, which reads and writes rows and can change
no table. An older installation, whose services owned theirs, is brought to that.

Not PostgreSQL's own first-start scripts: a start that is cut off within those is never completed, and this may be repeated.
"""

import sys
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 (a class under a function's name)
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from chatire_local.data_folder import DataFolder
from chatire_local.keyring import Keyring

KEPT = Path("/kept")
HOST = "postgres"
SUPERUSER = "chatire_superuser"
SERVICES = ("auth", "messages")


def provision(keyring: Keyring, host: str = HOST, port: int = 5432, superuser: str = SUPERUSER) -> None:
    """Each service gets two roles without any privilege, and a database that one of them owns and no third may open."""
    password = keyring.password("postgres-superuser")

    def connect(database: str) -> Connection:
        server = psycopg2.connect(host=host, port=port, user=superuser, password=password, dbname=database)
        server.autocommit = True  # CREATE DATABASE cannot be inside a transaction.
        return server

    with closing(connect("postgres")) as server, server.cursor() as cursor:
        for service in SERVICES:
            _make_role(cursor, owner_of(service), keyring.password(f"{service}-owner-database"))
            _make_role(cursor, role_of(service), keyring.password(f"{service}-database"))
            _make_database(cursor, role_of(service), owner_of(service))
        # Every role may open every database until told otherwise.
        for name in ("postgres", "template1", *map(role_of, SERVICES)):
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    for service in SERVICES:
        with closing(connect(role_of(service))) as server, server.cursor() as cursor:
            _grant(cursor, role_of(service), owner_of(service))


def role_of(service: str) -> str:
    """The role that a service works as; its database has the same name."""
    return f"chatire_{service}"


def owner_of(service: str) -> str:
    """The role that owns a service's tables."""
    return f"chatire_{service}_owner"


def _make_role(cursor: Cursor, name: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}")
    cursor.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def _make_database(cursor: Cursor, name: str, owner: str) -> None:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    verb = "ALTER DATABASE {} OWNER TO {}" if cursor.fetchone() else "CREATE DATABASE {} OWNER {}"
    cursor.execute(sql.SQL(verb).format(sql.Identifier(name), sql.Identifier(owner)))


def _grant(cursor: Cursor, role: str, owner: str) -> None:
    """Inside a service's database: what is there and what will be there is the owner's; its rows are the service's."""
    for statement in (
        "REASSIGN OWNED BY {role} TO {owner}",
        "ALTER SCHEMA public OWNER TO {owner}",
        "GRANT CONNECT ON DATABASE {role} TO {role}",
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    ):
        cursor.execute(sql.SQL(statement).format(role=sql.Identifier(role), owner=sql.Identifier(owner)))


if __name__ == "__main__":
    provision(Keyring(DataFolder(KEPT)))
    sys.exit(0)
