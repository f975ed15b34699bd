"""A stack of our own, started as a user would, and the hands that reach into it: its processes, PostgreSQL, Valkey."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis

from chatire_client import Account, Http
from chatire_faults.errors import FaultsError, NotNow

ROOT = Path(__file__).resolve().parents[4]
GATEWAYS = 2
WORKERS = 2
_START_SECONDS = 300
_STOP_SECONDS = 120
_MANAGE_SECONDS = 300


class Stack:
    """One running stack; use `started`."""

    def __init__(self, data: Path, port: int) -> None:
        """Name the stack on `data`."""
        self.data = data
        self.port = port

    @classmethod
    @contextmanager
    def started(cls, data: Path) -> Iterator[Stack]:
        """Start one, with two gateways, two messages workers and no limits; stop it afterwards.

        Raises: FaultsError.
        """
        stack = cls(data, _free_port())
        options = ["--port", str(stack.port), "--limits", "off", "--detach"]
        processes = ["--gateways", str(GATEWAYS), "--workers", str(WORKERS)]
        try:
            done = stack._launcher("up", *options, *processes, seconds=_START_SECONDS)
            if done.returncode:
                raise FaultsError(f"the stack did not start:\n{done.stdout}{done.stderr}")
            yield stack
        finally:
            stack._launcher("down", seconds=_STOP_SECONDS)

    def _launcher(self, command: str, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "chatire"), command, "--data", str(self.data), *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=seconds, check=False)

    def make_people(self, names: list[str], http: Http) -> list[Account]:
        """Make users and sign them in."""
        batch = self.data / "people.jsonl"
        batch.write_text("".join(json.dumps({"username": name}) + "\n" for name in names))
        options = ("auth", "create_user", "--batch", str(batch), "--tokens")
        done = self._launcher("manage", *options, seconds=_MANAGE_SECONDS)
        if done.returncode:
            raise FaultsError(f"`./chatire manage auth create_user` failed: {done.stderr.strip()}")
        made = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        return [Account(http, each, each["access"], each["refresh"]) for each in made]

    # What runs.

    def status(self) -> dict[str, Any]:
        """What `./chatire status --json` says."""
        return dict(json.loads(self._launcher("status", "--json", seconds=60).stdout))

    def is_healthy(self) -> bool:
        """Whether every part can serve."""
        with suppress(ValueError):
            found = self.status()
            return found["state"] == "ready" and all(part["health"] == "ready" for part in found["parts"].values())
        return False

    def pids(self) -> dict[str, int]:
        """The first process of each part that runs, as the launcher wrote it down."""
        with suppress(OSError, ValueError):
            return {name: part["pid"] for name, part in self._run["parts"].items() if part["pid"]}
        return {}

    def pid(self, part: str) -> int:
        """The process of a part.

        Raises: NotNow, when it is down.
        """
        pid = self.status()["parts"][part]["pid"]
        if pid is None:
            raise NotNow(f"{part} is down")
        return int(pid)

    def worker_pid(self, part: str, random: Random) -> int:
        """One of a part's child processes.

        Raises: NotNow, when it has none.
        """
        children = _children(self.pid(part))
        if not children:
            raise NotNow(f"{part} has no worker")
        return random.choice(children)

    @property
    def gateways(self) -> list[str]:
        """Where each gateway listens itself."""
        return list(self._run["addresses"]["gateways"])

    @property
    def _run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    # The servers, reached past the services.

    @contextmanager
    def database(self) -> Iterator[Any]:
        """A cursor in the messages database, as its owner; each statement is a transaction unless BEGIN says otherwise.

        Raises: NotNow, when PostgreSQL does not answer, or went away in between.
        """
        address = self._run["addresses"]["messages_database_url"]
        try:
            with closing(psycopg2.connect(address, connect_timeout=2)) as server:
                server.autocommit = True
                with server.cursor() as cursor:
                    yield cursor
        except psycopg2.Error as failure:
            raise NotNow(f"PostgreSQL: {failure}".strip()) from failure

    @contextmanager
    def valkey(self) -> Iterator[redis.Redis]:
        """A client of the Valkey server.

        Raises: NotNow, when it does not answer.
        """
        url = urlsplit(self._run["addresses"]["redis_url"])
        client = redis.Redis(
            host=str(url.hostname), port=url.port or 6379, password=url.password, socket_timeout=2, protocol=2
        )
        try:
            yield client
        except redis.RedisError as failure:
            raise NotNow(f"Valkey: {failure}") from failure
        finally:
            client.close()


def send_signal(pid: int, number: signal.Signals) -> None:
    """Signal a process.

    Raises: NotNow, when it is gone.
    """
    try:
        os.kill(pid, number)
    except ProcessLookupError as gone:
        raise NotNow(f"process {pid} is gone") from gone


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may hold anything; the parent is the second word behind it.
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return sorted(found)


def _free_port() -> int:
    """A port outside the range of outgoing connections, so that no client takes it while a part restarts."""
    for port in Random().sample(range(20_000, 32_000), 200):  # Not seeded: two campaigns may run side by side.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise FaultsError("no free port")
