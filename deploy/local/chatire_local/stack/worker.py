"""One part as a child process: started, watched, started again after a pause, stopped. It writes to its log file."""

import json
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from .. import processes
from .flag import Flag
from .part import Part

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# Who ran this long has recovered: the next failure starts with the shortest pause again.
GOOD_RUN_SECONDS = 30.0
IN_A_HURRY_SECONDS = 1.0
LOG_LIMIT_BYTES = 20 * 1024 * 1024


class Worker:
    """The process behind a part."""

    def __init__(self, part: Part, log: Path) -> None:
        """Start nothing yet."""
        self.part = part
        self.log = log
        self.restarts = 0
        self.held = False  # Somebody stops and starts it on purpose: its end is no reason to start it again.
        self.since = ""
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._start_again_at: float | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the first start."""
        return self._child.pid if self._child else 0

    def start(self) -> None:
        """Run the part's command in a session of its own, so that a Ctrl-C meant for the launcher spares it."""
        trim_log(self.log)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self.part.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.part.environment),
                cwd=self.part.folder,
                start_new_session=True,
                umask=0o077,
            )
        self.since = processes.started(self._child.pid)
        self._started_at = time.monotonic()
        self._start_again_at = None

    def exit_status(self) -> int | None:
        """How the process ended; None while it runs."""
        return self._child.poll() if self._child else None

    def plan_restart(self) -> float:
        """Clear away what the dead process left, and return the pause before it may start again."""
        processes.end_group(self.pid, self.since)
        if time.monotonic() - self._started_at > GOOD_RUN_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        self._start_again_at = time.monotonic() + pause
        return pause

    @property
    def waits_for_restart(self) -> bool:
        """Whether it is down and a restart is planned."""
        return self._start_again_at is not None

    def restart_if_due(self) -> bool:
        """Start again when the pause is over; says whether it did."""
        if self._start_again_at is None or time.monotonic() < self._start_again_at:
            return False
        self.restarts += 1
        self.start()
        return True

    def stop(self, hurry: Flag) -> bool:
        """Stop the process, ever less politely. Says whether it went before it had to be killed."""
        polite = True
        for number, seconds in self.part.stop_plan:
            if self.exit_status() is not None or not self._child:
                break
            polite = number != signal.SIGKILL
            with suppress(ProcessLookupError):
                os.kill(self._child.pid, number)
            self._wait(seconds, hurry)
        if self._child:
            processes.end_group(self._child.pid, self.since)
        return polite

    def _wait(self, seconds: float, hurry: Flag) -> None:
        began = time.monotonic()
        while self.exit_status() is None and time.monotonic() - began < (
            IN_A_HURRY_SECONDS if hurry.is_set() else seconds
        ):
            time.sleep(0.01)

    def latest_log_lines(self, count: int = 12) -> list[str]:
        """The end of the log, for a user who has to be told why it does not start."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()[-count:]
        except OSError:
            return []
        return [readable for line in lines for readable in _unfolded(line)][-count:]


def _unfolded(line: str) -> list[str]:
    """What a line says: the services write JSON, with a whole traceback in one field."""
    try:
        record = json.loads(line)
        return [f"{record['level']}: {record['message']}", *record.get("exception", "").splitlines()]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [line]


def trim_log(path: Path) -> None:
    """Set a log aside that has grown large; one older copy is kept."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))


def empty_log_in_use(path: Path) -> None:
    """The same for a log that a running process holds open: copy it, then cut it to nothing.

    The parts write in append mode, so they go on at the new beginning.
    """
    with suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.with_suffix(".log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
