"""PostgreSQL and Valkey for the peers: the same programs with the same settings as in our own stack, and apart from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import redis

from chatire_bench.errors import BenchError
from chatire_bench.places import SCHEMA
from chatire_local.assembly import Assembly
from chatire_local.console import Console
from chatire_local.data_folder import DataFolder
from chatire_local.errors import LauncherError
from chatire_local.options import StackOptions
from chatire_local.stack.errands import Errands
from chatire_local.stack.flag import Flag
from chatire_local.stack.supervisor import Supervisor

DATABASE = "bench_peers"


@dataclass(frozen=True)
class Servers:
    """Two running servers.

    Attributes:
        pids: The first process of each, by name.
    """

    database_url: str
    redis_url: str
    pids: dict[str, int]

    def clear(self, rooms: list[str]) -> None:
        """Empty Redis and the tables, and make rooms."""
        with closing(redis.Redis.from_url(self.redis_url)) as client:
            client.flushall()
        with closing(psycopg2.connect(self.database_url)) as server, server, server.cursor() as cursor:
            cursor.execute(SCHEMA.read_text())
            cursor.execute("TRUNCATE room, message")
            cursor.execute("INSERT INTO room (name) SELECT unnest(%s)", [rooms])

    def messages(self) -> int:
        """How many messages are stored."""
        with closing(psycopg2.connect(self.database_url)) as server, server.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM message")
            (count,) = cursor.fetchone() or (0,)
            return int(count)


@contextmanager
def started(folder: Path) -> Iterator[Servers]:
    """Start both on a data folder of their own; stop them afterwards.

    Raises: BenchError.
    """
    data = DataFolder(folder)
    data.make()
    console = Console()
    console.let_go_of_terminal()
    supervisor = Supervisor(console, data.logs, Flag(), lambda: None)
    assembly = Assembly(StackOptions(data=folder), data, console, Errands())
    if assembly.postgres is None or assembly.valkey is None:
        raise BenchError("CHATIRE_*_URL names servers that run elsewhere; unset it: the bench starts its own")
    try:
        assembly.start_servers(supervisor)
        _drop_old(assembly.postgres.superuser_url())
        url = assembly.postgres.make_database(DATABASE)
        pids = {name: worker.pid for name, worker in supervisor.workers.items()}
        yield Servers(url, assembly.valkey.url, pids)
    except LauncherError as error:
        raise BenchError(str(error)) from error
    finally:
        supervisor.stop()


def _drop_old(superuser_url: str) -> None:
    with closing(psycopg2.connect(superuser_url)) as server:
        server.autocommit = True  # A database can't be dropped inside a transaction.
        with server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
