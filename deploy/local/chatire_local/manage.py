"""`./chatire manage`, `replay`, `verify` and `bench`: other programs, given what they need to know of the stack."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import processes
from .assembly import Assembly
from .checkout import ROOT, manage_py
from .console import Console
from .data_folder import DataFolder
from .keyring import Keyring
from .leftovers import stop_leftovers
from .options import StackOptions
from .parts.services import Addresses, Services
from .stack.errands import Errands
from .stack.flag import Flag
from .stack.supervisor import Supervisor


def run_service_command(path: Path, service: str, arguments: list[str], console: Console) -> int:
    """Run a management command of one service, on the running stack or on its servers started for the occasion."""
    data = DataFolder(path)
    running = _services_of_running_stack(data)
    if running:
        return _run(running.environment(service), service, arguments)
    with _servers_for_the_occasion(data, console) as services:
        return _run(services.environment(service), service, arguments)


def run_replay(path: Path, arguments: list[str]) -> int:
    """Become the replayer, told which stack is meant. It says itself when none runs there."""
    sys.stdout.flush()
    command = [sys.executable, "-m", "chatire_replay", *arguments]
    os.execve(sys.executable, command, os.environ | {"CHATIRE_DATA": str(path)})  # noqa: S606 - no shell is the point


def run_verify(arguments: list[str]) -> int:
    """Become the campaign of faults, which starts a stack of its own."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "chatire_faults", *arguments])  # noqa: S606 - no shell is the point


def run_bench(arguments: list[str]) -> int:
    """Become the bench, which starts a stack of its own and the peers."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "chatire_bench", *arguments])  # noqa: S606 - no shell is the point


def _services_of_running_stack(data: DataFolder) -> Services | None:
    run = data.read_run()
    launcher = run.get("launcher")
    if not launcher or not run.get("addresses") or not processes.is_alive(launcher["pid"], launcher["since"]):
        return None
    options = StackOptions(port=run["port"], data=data.path, limits=run["limits"])
    return Services(data, Keyring(data), options, Addresses(**run["addresses"]))


@contextmanager
def _servers_for_the_occasion(data: DataFolder, console: Console) -> Iterator[Services]:
    """Start PostgreSQL and Valkey, quietly, and stop them again: standard output belongs to the command."""
    data.make()
    console.let_go_of_terminal()
    with data.locked():
        stop_leftovers(data, console)
        supervisor = Supervisor(console, data.logs, Flag(), lambda: None)
        assembly = Assembly(StackOptions(data=data.path), data, console, Errands())
        try:
            assembly.start_servers(supervisor)
            yield assembly.services
        finally:
            supervisor.stop()


def _run(environment: dict[str, str], service: str, arguments: list[str]) -> int:
    """Run it on this terminal. A Ctrl-C is the command's to handle, and we wait for it to finish."""
    before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        command: list[str | Path] = [sys.executable, manage_py(service), *arguments]
        environment |= {"TERM": os.environ.get("TERM", "dumb")}
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False, restore_signals=True).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
