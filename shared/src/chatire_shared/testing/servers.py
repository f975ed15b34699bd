"""Real PostgreSQL and Redis for a test session: those that the environment names, else throw-away ones.

`./chatire test` starts servers once and names them in the environment; a bare `pytest` gets its own, which live in
temporary folders, end with the test process (even when it is killed) and are removed at its exit.
"""

from __future__ import annotations

import atexit
import os
from functools import cache

from chatire_shared.testing.postgres_server import PostgresServer
from chatire_shared.testing.spawning import ServerDidNotStart, free_port
from chatire_shared.testing.valkey_server import ValkeyServer

__all__ = ["PostgresServer", "ServerDidNotStart", "ValkeyServer", "ensure_postgres", "ensure_redis", "free_port"]

_DATABASES = ("CHATIRE_MESSAGES_DATABASE_URL", "CHATIRE_AUTH_DATABASE_URL")


@cache
def ensure_postgres() -> str:
    """The URL of a PostgreSQL for this session, started on first use when the environment names none.

    Returns: `postgresql://role:password@host:port/database`; the role may create databases (a throw-away server's is a
        superuser, its database `postgres`).
    Raises: ServerDidNotStart.
    """
    for name in _DATABASES:
        if os.environ.get(name):
            return os.environ[name]
    server = PostgresServer()
    atexit.register(server.destroy)
    server.start()
    return server.url


@cache
def ensure_redis() -> str:
    """The URL of a Redis for this session, started on first use when the environment names none.

    Returns: `redis://host:port/0`. It is shared by the whole session: tests that flush, hang or end a server take a
        `ValkeyServer` of their own.
    Raises: ServerDidNotStart.
    """
    if os.environ.get("CHATIRE_REDIS_URL"):
        return os.environ["CHATIRE_REDIS_URL"]
    server = ValkeyServer()
    atexit.register(server.destroy)
    server.start()
    return server.url
