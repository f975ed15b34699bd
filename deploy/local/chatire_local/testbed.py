"""What the tests run against, in a folder that goes away afterwards: servers of their own, or a whole stack."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .checkout import LAUNCHER, ROOT
from .console import Console
from .data_folder import DataFolder
from .errors import LauncherError
from .keyring import Keyring
from .parts.postgres import SETTINGS, Postgres
from .parts.valkey import Valkey
from .ports import free_ports
from .stack.errands import Errands
from .stack.flag import Flag
from .stack.supervisor import Supervisor

# Nobody misses these rows after a power cut, and each flush costs milliseconds.
THROW_AWAY_SETTINGS = SETTINGS | {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}
GATEWAYS_UNDER_TEST = "2"


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """A folder for one run of the tests, removed at its end."""
    with tempfile.TemporaryDirectory(prefix=f"chatire-{purpose}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextmanager
def running_servers(suites: list[str], folder: Path, console: Console) -> Iterator[dict[str, dict[str, str]]]:
    """Run one PostgreSQL with databases for each suite, and a Valkey for each, since publishing knows no databases.

    Yields: the environment of each suite.
    """
    data = DataFolder(folder)
    data.make()
    keyring = Keyring(data)
    postgres_port, *ports = free_ports(1 + len(suites))
    postgres = Postgres(data, keyring, postgres_port, THROW_AWAY_SETTINGS)
    valkeys = {suite: Valkey(data, keyring, port, f"valkey-{suite}") for suite, port in zip(suites, ports, strict=True)}
    supervisor = Supervisor(console, data.logs, Flag(), lambda: None)
    try:
        postgres.prepare(Errands(), console)
        supervisor.start([postgres.part(), *(valkey.part() for valkey in valkeys.values())])
        yield {suite: _environment(suite, postgres, valkey) for suite, valkey in valkeys.items()}
    finally:
        supervisor.stop()


def _environment(suite: str, postgres: Postgres, valkey: Valkey) -> dict[str, str]:
    return {
        "CHATIRE_AUTH_DATABASE_URL": postgres.make_database(f"{suite}_auth"),
        "CHATIRE_MESSAGES_DATABASE_URL": postgres.make_database(f"{suite}_messages"),
        "CHATIRE_REDIS_URL": valkey.url,
    }


@contextmanager
def running_stack(folder: Path) -> Iterator[dict[str, str]]:
    """Run a whole Chatire without rate limits, with the command a user would type.

    Yields: the environment that tells a suite where it is.
    """
    port = free_ports(1)[0]
    options = ["--data", str(folder), "--port", str(port), "--gateways", GATEWAYS_UNDER_TEST, "--limits", "off"]
    try:
        if _chatire("up", "--detach", *options) != 0:
            raise LauncherError("the stack for the tests did not start; its words are above.")
        yield {"CHATIRE_E2E_URL": f"http://localhost:{port}", "CHATIRE_DATA": str(folder)}
    finally:
        _chatire("down", "--data", str(folder))


@contextmanager
def prepared_data(folder: Path) -> Iterator[dict[str, str]]:
    """Make the data folder of a stack that nobody has used yet, for suites that start many.

    Yields: the environment that tells a suite where it is.
    """
    options = ["--data", str(folder)]
    try:
        if _chatire("up", "--detach", "--port", str(free_ports(1)[0]), *options) != 0:
            raise LauncherError("a stack for the tests did not start; its words are above.")
    finally:
        _chatire("down", *options)
    yield {"CHATIRE_PREPARED_DATA": str(folder)}


def _chatire(*arguments: str) -> int:
    return subprocess.run([sys.executable, LAUNCHER, *arguments], cwd=ROOT, check=False).returncode
