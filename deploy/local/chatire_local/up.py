"""`./chatire up`: one launcher, from the first line on the terminal to the last part stopped."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from . import processes
from .assembly import Assembly
from .checkout import shown
from .console import Console
from .data_folder import DataFolder
from .errors import LauncherError
from .leftovers import stop_leftovers
from .options import StackOptions
from .ports import has_ipv6_loopback, holder, is_free
from .stack.errands import Errands, Stopped
from .stack.flag import Flag
from .stack.orders import Orders
from .stack.part import Part
from .stack.restarts import Restarts
from .stack.supervisor import Supervisor
from .stack.worker import Worker


class Launcher:
    """Runs one stack in the foreground of this process."""

    def __init__(self, options: StackOptions, console: Console, let_go: Callable[[], None] | None = None) -> None:
        """Run on this terminal or, with `let_go`, only until every part can serve: then call it once to give it back."""
        self._options = options
        self._console = console
        self._let_go = let_go
        self._data = DataFolder(options.data)
        self._stop = Flag()
        self._state = "starting"
        self._addresses: dict[str, Any] = {}
        self._writing = threading.Lock()
        self._supervisor = Supervisor(console, self._data.logs, self._stop, self._write_run_file)
        self._restarts: Restarts | None = None

    def run(self) -> int:
        """Start the stack, watch it until somebody asks to stop, stop it. Returns the exit code."""
        began = time.monotonic()
        self._data.make()
        with ExitStack() as until_end:
            until_end.enter_context(self._data.locked())
            log = until_end.enter_context(self._data.log_of("launcher").open("a"))
            self._console.keep_log(log)
            self._console.title(f"Chatire, data in {shown(self._data.path)}")
            stop_leftovers(self._data, self._console)
            refuse_taken_port(self._options.port)
            self._listen_for_signals()
            return self._start_watch_stop(began)

    def _start_watch_stop(self, began: float) -> int:
        try:
            assembly = Assembly(self._options, self._data, self._console, Errands(self._stop))
            self._addresses = asdict(assembly.addresses)
            assembly.start(self._supervisor)
            self._restarts = self._ready_for_orders(assembly)
            self._say_ready(time.monotonic() - began)
            self._supervisor.watch(self._restarts.look)
        except Stopped:
            self._console.line("Stopped before it was up.")
        except OSError as error:
            raise LauncherError(
                f"cannot go on: {error}. Is the disk full, or was the data folder moved away?"
            ) from error
        finally:
            self._stop_all()
        self._console.line(f"Stopped. Your data is in {shown(self._data.path)}.")
        return 0

    def _ready_for_orders(self, assembly: Assembly) -> Restarts:
        orders = Orders(self._data.orders)
        orders.open()

        def make(name: str, source: str, settings: dict[str, str]) -> Part:
            return assembly.remade(name, source, settings) or self._supervisor.workers[name].part

        return Restarts(self._supervisor, orders, self._stop, make)

    def _stop_all(self) -> None:
        self._state = "stopping"
        # Reached by a failure too: then nobody else has said so.
        self._stop.set()
        try:
            self._write_run_file()
            if self._restarts:
                self._restarts.finish()
        finally:
            self._supervisor.stop()
        self._data.forget_run()

    def _say_ready(self, seconds: float) -> None:
        self._state = "ready"
        self._write_run_file()
        self._console.line()
        self._console.title(f"Chatire is up at {self._options.origin} ({seconds:.1f} s)")
        stop = self._data.command("down") if self._let_go else "Ctrl-C"
        look = f"{self._data.command('status')}, {self._data.command('logs')}"
        self._console.line(f"{stop} stops it; the data stays. To look at it: {look}")
        if self._let_go:
            self._let_go()

    def _listen_for_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup the end of the terminal is to be ignored, and stays so.
            if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self._stop.is_set():
            if number == signal.SIGINT:
                self._supervisor.hurry_up()
            return
        self._stop.set()

    def _write_run_file(self) -> None:
        workers = self._supervisor.workers.values()
        with self._writing:
            self._data.write_run(self._run_file(workers))

    def _run_file(self, workers: Iterable[Worker]) -> dict[str, Any]:
        return {
            "v": 1,
            "state": self._state,
            "launcher": {"pid": os.getpid(), "since": processes.started(os.getpid())},
            "address": self._options.origin,
            "port": self._options.port,
            "limits": self._options.limits,
            "data": str(self._data.path),
            "addresses": self._addresses,
            "parts": {worker.part.name: _described(worker) for worker in workers},
        }


def _described(worker: Worker) -> dict[str, Any]:
    return {
        "pid": worker.pid,
        "since": worker.since,
        "address": worker.part.address,
        "version": worker.part.version,
        "restarts": worker.restarts,
        "tier": worker.part.tier,
        "stop_plan": [[int(number), seconds] for number, seconds in worker.part.stop_plan],
    }


def refuse_taken_port(port: int) -> None:
    """Say who has the port, before anything is started."""
    hosts = ["127.0.0.1", "::1"] if has_ipv6_loopback() else ["127.0.0.1"]
    if all(is_free(port, host) for host in hosts):
        return
    who = holder(port)
    by = f" by {who}" if who else ""
    message = f"port {port} is taken{by}. Stop that, or choose another port: ./chatire up --port {port + 1}"
    raise LauncherError(message)
