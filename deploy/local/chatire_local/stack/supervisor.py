"""Keeps parts running: starts them side by side, waits until they serve, restarts who dies, stops all in order."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from ..console import Console
from ..errors import LauncherError
from .errands import Stopped
from .flag import Flag
from .part import Part
from .worker import Worker, empty_log_in_use

READY_WITHIN_SECONDS = 90.0
WATCH_EVERY_SECONDS = 0.1
LOOK_AT_LOGS_EVERY_SECONDS = 60.0


class Supervisor:
    """The workers of one stack."""

    def __init__(self, console: Console, logs: Path, stop: Flag, changed: Callable[[], None]) -> None:
        """Report to `console`; `stop` ends every wait; `changed` is called whenever the set of processes did."""
        self.workers: dict[str, Worker] = {}
        self._console = console
        self._logs = logs
        self._stop = stop
        self._changed = changed
        self._hurry = Flag()
        # Held by whoever looks at a worker to start it again, or says that it is not to be.
        self._looking = threading.Lock()

    def start(self, parts: Iterable[Part]) -> None:
        """Start parts side by side and wait until each can serve.

        Raises: LauncherError, when one ends or does not get ready; Stopped.
        """
        workers = [Worker(part, self._logs / f"{part.name}.log") for part in parts]
        for worker in workers:
            worker.start()
            self.workers[worker.part.name] = worker
            self._changed()
        failed = Flag()
        with ThreadPoolExecutor(len(workers) or 1) as pool:
            waiting = [pool.submit(self._wait_until_ready, worker, failed) for worker in workers]
        failures = [failure for failure in (future.exception() for future in waiting) if failure]
        # The one that failed has more to say than those that only stopped waiting because of it.
        for failure in sorted(failures, key=lambda failure: isinstance(failure, Stopped)):
            raise failure

    def replace(self, part: Part, stop: Flag) -> None:
        """Stop the part of this name, start `part` in its place, and wait until it can serve.

        Raises: LauncherError, when it does not; it is watched and started again all the same. Stopped.
        """
        worker = self.workers[part.name]
        with self._looking:
            worker.held = True
        try:
            self._console.part(part.name, "stopping, to be started anew")
            worker.stop(self._hurry)
            if stop.is_set():
                raise Stopped
            worker.part = part
            worker.start()
            self._changed()
            self._wait_until_ready(worker, Flag())
        finally:
            worker.held = False

    def _wait_until_ready(self, worker: Worker, failed: Flag) -> None:
        began = time.monotonic()
        reason = worker.part.probe()
        while reason is not None:
            self._give_up_if_hopeless(worker, reason, time.monotonic() - began, failed)
            time.sleep(0.02)
            reason = worker.part.probe()
        self._console.part(worker.part.name, f"ready in {time.monotonic() - began:.1f} s")

    def _give_up_if_hopeless(self, worker: Worker, reason: str, waited: float, failed: Flag) -> None:
        if self._stop.is_set() or failed.is_set():
            raise Stopped
        status = worker.exit_status()
        if status is not None:
            _give_up(worker, f"ended with {describe_exit(status)} while starting", failed)
        if waited > READY_WITHIN_SECONDS:
            _give_up(worker, f"is not ready after {waited:.0f} s: {reason}", failed)

    def watch(self, between: Callable[[], None] = lambda: None) -> None:
        """Restart whatever dies, until asked to stop; `between` is called several times a second."""
        logs_at = time.monotonic() + LOOK_AT_LOGS_EVERY_SECONDS
        while not self._stop.wait(WATCH_EVERY_SECONDS):
            for worker in self.workers.values():
                with self._looking:
                    self._look_at(worker)
            between()
            if time.monotonic() > logs_at:
                logs_at = time.monotonic() + LOOK_AT_LOGS_EVERY_SECONDS
                for worker in self.workers.values():
                    empty_log_in_use(worker.log)

    def _look_at(self, worker: Worker) -> None:
        name = worker.part.name
        if worker.held:
            return
        if worker.waits_for_restart:
            if worker.restart_if_due():
                self._console.part(name, f"started again (pid {worker.pid})")
                self._changed()
            return
        status = worker.exit_status()
        if status is not None:
            pause = worker.plan_restart()
            self._console.trouble(name, f"ended with {describe_exit(status)}; starting it again in {pause:.1f} s")

    def stop(self) -> None:
        """Stop every part, tier by tier, and leave no process behind."""
        for tier in sorted({worker.part.tier for worker in self.workers.values()}):
            going = [worker for worker in self.workers.values() if worker.part.tier == tier]
            with ThreadPoolExecutor(len(going)) as pool:
                list(pool.map(self._stop_one, going))
        self.workers.clear()

    def hurry_up(self) -> None:
        """Wait no longer for parts to stop by themselves."""
        self._hurry.set()

    def _stop_one(self, worker: Worker) -> None:
        polite = worker.stop(self._hurry)
        self._console.part(worker.part.name, "stopped" if polite else "had to be killed")


def _give_up(worker: Worker, what: str, failed: Flag) -> NoReturn:
    failed.set()
    raise LauncherError(_explain(worker, what))


def describe_exit(status: int) -> str:
    """An exit status in words: a negative one is the signal that ended the process."""
    return f"signal {-status}" if status < 0 else f"exit code {status}"


def _explain(worker: Worker, what: str) -> str:
    lines = "\n".join(f"    {line}" for line in worker.latest_log_lines())
    return f"{worker.part.name} {what}. Its log ({worker.log}) ends with:\n{lines}"
