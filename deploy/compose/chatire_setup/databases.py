"""Makes the databases and their roles: `python -m chatire_setup.databases`.

Not PostgreSQL's own first-start scripts: a start that is cut off within those is never completed, and this may be repeated.
"""

import sys
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812 (a class under a function's name)

from chatire_local.data_folder import DataFolder
from chatire_local.keyring import Keyring

KEPT = Path("/kept")
HOST = "postgres"
SUPERUSER = "chatire_superuser"
SERVICES = ("auth", "messages")


def provision(keyring: Keyring, host: str = HOST, port: int = 5432) -> None:
    """Each service gets a role without any privilege, and a database that this role owns and no other may open."""
    password = keyring.password("postgres-superuser")
    server = psycopg2.connect(host=host, port=port, user=SUPERUSER, password=password, dbname="postgres")
    with closing(server):
        server.autocommit = True  # CREATE DATABASE cannot be inside a transaction.
        with server.cursor() as cursor:
            for service in SERVICES:
                _make_role(cursor, f"chatire_{service}", keyring.password(f"{service}-database"))
                _make_database(cursor, f"chatire_{service}")
            # Every role may open every database until told otherwise.
            for name in ("postgres", "template1", *(f"chatire_{service}" for service in SERVICES)):
                cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))


def _make_role(cursor: Cursor, name: str, password: str) -> None:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    verb = "ALTER" if cursor.fetchone() else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}")
    cursor.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def _make_database(cursor: Cursor, name: str) -> None:
    cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
    if not cursor.fetchone():
        cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))


if __name__ == "__main__":
    provision(Keyring(DataFolder(KEPT)))
    sys.exit(0)
