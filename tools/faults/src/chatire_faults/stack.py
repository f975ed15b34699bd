"""A stack of our own, started as a user would, and the hands that reach into it: its processes, PostgreSQL, Valkey."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import redis

from chatire_client import Account, Http
from chatire_faults.detours import LINES, Detours
from chatire_faults.errors import FaultsError, NotNow
from chatire_local.data_folder import DataFolder
from chatire_local.processes import is_alive
from chatire_local.status import can_serve, stack_status
from chatire_shared.crash_points import FOLDER_NAME

ROOT = Path(__file__).resolve().parents[4]
GATEWAYS = 2
WORKERS = 2
PREPARED = "CHATIRE_PREPARED_DATA"
"""Environment variable: the data folder of a stack at rest. Ours starts on a copy, for 7 s of CPU instead of 13."""
_START_SECONDS = 300
_STOP_SECONDS = 120
_MANAGE_SECONDS = 300
_RESTART_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many of each part there are; `workers`: processes of each instance of the messages service."""

    auths: int = 1
    messages: int = 1
    relays: int = 1
    gateways: int = GATEWAYS
    workers: int = WORKERS

    @classmethod
    def of_each(cls, number: int) -> Replicas:
        """The same number of all."""
        return cls(number, number, number, number)

    def as_options(self) -> list[str]:
        """For the launcher."""
        return [word for name, number in asdict(self).items() for word in (f"--{name}", str(number))]


class Stack:
    """One running stack; use `started`."""

    def __init__(self, data: Path, port: int) -> None:
        """Name the stack on `data`."""
        self.data = data
        self.port = port
        self.detours: Detours | None = None

    @classmethod
    @contextmanager
    def started(
        cls,
        data: Path,
        replicas: Replicas | None = None,
        *,
        detoured: bool = False,
        limits: bool = False,
        environment: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Iterator[Stack]:
        """Start one, without limits, and with two gateways and two messages workers unless told otherwise; stop it afterwards.

        Args:
            data: Its data folder.
            replicas: How many of each part.
            detoured: Whether every line between its parts goes through a fault proxy of its own (`detours`).
            limits: Whether rate limits and connection caps hold.
            environment: What single parts get in their environments beside that, by part.

        Raises: FaultsError.
        """
        stack = cls(data, free_port())
        options = ["--port", str(stack.port), "--limits", "on" if limits else "off", "--detach"]
        processes = (replicas or Replicas()).as_options()
        _copy_prepared(data)
        stack.faults.mkdir(parents=True, exist_ok=True)
        with ExitStack() as until_end:
            ways: dict[str, dict[str, str]] = {}
            if detoured:
                stack.detours = until_end.enter_context(Detours.opened(lambda: stack.addresses))
                ways = stack.detours.environment
            changes = {part: ways.get(part, {}) | dict((environment or {}).get(part, {})) for part in LINES}
            stack._parts_file.write_text(json.dumps(changes))
            until_end.callback(stack._launcher, "down", seconds=_STOP_SECONDS)
            done = stack._launcher("up", *options, *processes, seconds=_START_SECONDS)
            if done.returncode:
                raise FaultsError(f"the stack did not start:\n{done.stdout}{done.stderr}")
            yield stack

    def _launcher(self, command: str, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "chatire"), command, "--data", str(self.data), *arguments]
        environment = os.environ | {FOLDER_NAME: str(self.faults), "CHATIRE_PARTS_FILE": str(self._parts_file)}
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=seconds, check=False)

    @property
    def faults(self) -> Path:
        """Where crash points are armed."""
        return self.data.resolve() / "faults"

    @property
    def _parts_file(self) -> Path:
        return self.faults.with_name("parts.json")

    def make_people(self, names: list[str], http: Http, *, password: str | None = None) -> list[Account]:
        """Make users, or find those that there are, and open a session for each; hashing a password takes a while."""
        batch = self.data / "people.jsonl"
        batch.write_text("".join(json.dumps({"username": name, "password": password}) + "\n" for name in names))
        shown = self.manage("auth", "create_user", "--batch", str(batch), "--tokens")
        made = [json.loads(line) for line in shown.splitlines() if line.startswith("{")]
        return [Account(http, each, each["access"], each["refresh"]) for each in made]

    def manage(self, service: str, command: str, *arguments: str) -> str:
        """Run a management command; what it printed.

        Raises: FaultsError.
        """
        done = self._launcher("manage", service, command, *arguments, seconds=_MANAGE_SECONDS)
        if done.returncode:
            raise FaultsError(f"`./chatire manage {service} {command}` failed: {done.stderr.strip()}")
        return done.stdout

    def restart(self, *parts: str, source: Path | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Restart parts, or all instances of services, one after the other, each ready again before the next one goes.

        Raises: FaultsError, when one did not become ready.
        """
        options = ["--source", str(source)] if source else []
        options += [word for name, value in (settings or {}).items() for word in ("--set", f"{name}={value}")]
        done = self._launcher("restart", *parts, *options, seconds=_RESTART_SECONDS)
        if done.returncode:
            raise FaultsError(f"`./chatire restart {' '.join(parts)}` failed:\n{done.stdout}{done.stderr}")

    # What runs.

    def status(self) -> dict[str, Any]:
        """What `./chatire status --json` says, without a process for each time that it is asked."""
        return stack_status(DataFolder(self.data))

    def is_healthy(self) -> bool:
        """Whether every part can serve."""
        return can_serve(self.status())

    def pids(self) -> dict[str, int]:
        """The first process of each part that runs, as the launcher wrote it down."""
        with suppress(OSError, ValueError):
            return {name: part["pid"] for name, part in self._run["parts"].items() if part["pid"]}
        return {}

    def pid(self, part: str) -> int:
        """The process of a part.

        Raises: NotNow, when it is down.
        """
        found = self._run["parts"][part]
        if not is_alive(found["pid"], found["since"]):
            raise NotNow(f"{part} is down")
        return int(found["pid"])

    def worker_pid(self, part: str, random: Random) -> int:
        """One of a part's child processes.

        Raises: NotNow, when it has none.
        """
        children = _children(self.pid(part))
        if not children:
            raise NotNow(f"{part} has no worker")
        return random.choice(children)

    def family(self, part: str) -> list[int]:
        """A part's process and all below it.

        Raises: NotNow, when it is down.
        """
        family = [self.pid(part)]
        for pid in family:  # Grows while we go.
            family += _children(pid)
        return family

    @property
    def addresses(self) -> dict[str, Any]:
        """Where the parts and the servers are, by the launcher's names."""
        with suppress(FileNotFoundError):
            return dict(self._run["addresses"])
        return {}

    @property
    def gateways(self) -> list[str]:
        """Where each gateway listens itself."""
        return list(self._run["addresses"]["gateways"])

    @property
    def _run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))

    # The servers, reached past the services.

    @contextmanager
    def database(self, service: str = "messages") -> Iterator[Any]:
        """A cursor in a service's database, as its owner; each statement is a transaction unless BEGIN says otherwise.

        Raises: NotNow, when PostgreSQL does not answer, or went away in between.
        """
        address = self._run["addresses"][f"{service}_database_url"]
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


def _copy_prepared(data: Path) -> None:
    """Copy the prepared data folder to where nothing is yet, if there is one to copy."""
    prepared = os.environ.get(PREPARED)
    if prepared and not (data.exists() and any(data.iterdir())):
        shutil.copytree(prepared, data, dirs_exist_ok=True)


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


def free_port() -> int:
    """A port outside the range of outgoing connections, so that no client takes it while a part restarts."""
    for port in Random().sample(range(20_000, 32_000), 200):  # Not seeded: two campaigns may run side by side.
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise FaultsError("no free port")
