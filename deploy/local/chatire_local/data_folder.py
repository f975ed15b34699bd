"""The data folder (`var/` by default): what a stack keeps between two starts, and the run file of the one that runs.

postgres/      the cluster                 secrets/     passwords and keys, made once (0600)
auth-keys/     keys of the access tokens   logs/        one file for each part
run/           written anew at each start  run.json     which processes belong to the running stack
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .checkout import DEFAULT_DATA, shown
from .errors import LauncherError


@dataclass(frozen=True)
class DataFolder:
    """The paths below one data folder."""

    path: Path

    @property
    def secrets(self) -> Path:
        """Passwords and private keys."""
        return self.path / "secrets"

    @property
    def auth_keys(self) -> Path:
        """The auth service's keys for access tokens."""
        return self.path / "auth-keys"

    @property
    def logs(self) -> Path:
        """What each part writes to its standard output and error."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Configuration files that are only good for one run."""
        return self.path / "run"

    @property
    def orders(self) -> Path:
        """What the running launcher is asked to do."""
        return self.run / "orders"

    @property
    def run_file(self) -> Path:
        """The record of the running stack."""
        return self.path / "run.json"

    def log_of(self, part: str) -> Path:
        """The log file of one part."""
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Create the folders, closed to everybody else."""
        try:
            for folder in (self.path, self.secrets, self.auth_keys, self.logs, self.run):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (PermissionError, FileExistsError, NotADirectoryError) as refused:
            message = f"cannot use {shown(self.path)} as data folder: {refused}. Name another one with --data DIR."
            raise LauncherError(message) from refused

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one launcher; the kernel lets go of it however that launcher ends.

        Raises: LauncherError, when another launcher has it.
        """
        with (self.path / "lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as taken:
                raise LauncherError(self._who_has_it()) from taken
            yield

    def _who_has_it(self) -> str:
        run = self.read_run()
        where = f" at {run['address']}" if run.get("address") else ""
        pid = f" (pid {run['launcher']['pid']})" if run.get("launcher") else ""
        return (
            f"Chatire already runs on {shown(self.path)}{where}{pid}. "
            f"Stop it with {self.command('down')}, or start a second one with --data DIR --port N."
        )

    def command(self, name: str) -> str:
        """How to type a command for this data folder."""
        return f"./chatire {name}" if self.path == DEFAULT_DATA else f"./chatire {name} --data {shown(self.path)}"

    def read_run(self) -> dict[str, Any]:
        """The run file's content; empty when nothing was left there."""
        try:
            return dict(json.loads(self.run_file.read_text()))
        except (OSError, ValueError):
            return {}

    def write_run(self, content: dict[str, Any]) -> None:
        """Replace the run file in one step: a reader never sees half of it."""
        write_private(self.run_file, json.dumps(content, indent=2) + "\n")

    def forget_run(self) -> None:
        """Remove the run file: nothing runs any more."""
        self.run_file.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    half.replace(path)
