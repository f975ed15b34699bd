"""What look_inside.py runs inside a container of ours: tries what should not work, and says what did. Changes nothing."""

import importlib.util
import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import redis

SECRETS = Path("/run/chatire")
PLACES = {
    "postgres": ("postgres", 5432),
    "redis": ("redis", 6379),
    "auth": ("auth", 8001),
    "messages": ("messages", 8002),
}
TOO_MUCH_SQL = {
    "a table": "CREATE TABLE probe (id int)",
    "a role": "CREATE ROLE probe",
    "passwords": "SELECT rolpassword FROM pg_authid",
    "files": "SELECT pg_read_file('/etc/passwd')",
    "programs": "COPY (SELECT 1) TO PROGRAM 'cat'",
}
SPECIAL = (
    "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    " FROM pg_roles WHERE rolname = current_user"
)
# Those that would change something are spelled so that, if they were allowed, they would be refused for that.
REDIS_TRIES = {
    "publish": ("PUBLISH", "chatire.probe", ""),
    "count limits": ("GET", "chatire:limit:probe"),
    "read other keys": ("GET", "probe"),
    "write other keys": ("SET", "probe", "1", "NONSENSE"),
    "list keys": ("KEYS", "*"),
    "flush": ("FLUSHALL", "NONSENSE"),
    "configure": ("CONFIG", "GET", "*"),
    "publish elsewhere": ("PUBLISH", "probe", ""),
    "shut down": ("SHUTDOWN", "ABORT"),
}
ALLOWED_IN_REDIS = {"publish", "count limits"}


def reaches(place: tuple[str, int]) -> bool:
    """Whether a connection can be made, or would be refused by somebody there."""
    try:
        socket.create_connection(place, timeout=1).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return True


def database() -> dict[str, object]:
    """What PostgreSQL lets this part's role do."""
    path = SECRETS / "database.url"
    if not path.exists():
        return {}
    import psycopg2  # The gateway has neither the module nor a use for it.

    url = path.read_text()
    own = urlsplit(url).path.strip("/")
    too_much = []
    for name in {"chatire_auth", "chatire_messages", "postgres", "template1"} - {own}:
        try:
            psycopg2.connect(url.removesuffix(own) + name).close()
            too_much.append(f"connect to {name}")
        except psycopg2.OperationalError:
            pass
    connection = psycopg2.connect(url)
    for what, statement in TOO_MUCH_SQL.items():
        try:
            connection.cursor().execute(statement)
            too_much.append(what)
        except psycopg2.Error:
            pass
        connection.rollback()
    cursor = connection.cursor()
    cursor.execute(SPECIAL)
    if cursor.fetchone() != (False,):
        too_much.append("more than others")
    rights = "SELECT, INSERT, UPDATE, DELETE"
    cursor.execute(
        "SELECT count(*), count(*) FILTER (WHERE has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')"
        " AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE')),"
        " count(*) FILTER (WHERE pg_has_role(relowner, 'MEMBER'))"
        " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    tables, open_to_us, owned = cursor.fetchone()
    if owned:
        too_much.append(f"change {owned} tables")
    return {"may": f"{own}: {rights} on {open_to_us} of {tables} tables", "too much": too_much}


def tries_of_redis() -> dict[str, list[str]]:
    """What Redis lets this part's user do."""
    client = redis.Redis.from_url((SECRETS / "redis.url").read_text())
    may = []
    for what, command in REDIS_TRIES.items():
        try:
            client.execute_command(*command)
            may.append(what)
        except redis.exceptions.NoPermissionError:
            pass
        except redis.exceptions.ResponseError:
            may.append(what)
    return {"may": may, "too much": sorted(set(may) - ALLOWED_IN_REDIS)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        host, _, port = sys.argv[1].rpartition(":")
        PLACES["outside"] = (host, int(port))
    found = {
        "reaches": {name: reaches(place) for name, place in PLACES.items()},
        "database": database(),
        "redis": tries_of_redis(),
        "testing": importlib.util.find_spec("chatire_shared.testing") is not None,
    }
    sys.stdout.write(json.dumps(found))
