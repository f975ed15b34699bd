"""Starting a peer as a child process, and waiting until it listens."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from chatire_bench.errors import BenchError

_READY_SECONDS = 30.0
_STOP_SECONDS = 5.0


@contextmanager
def started(
    command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run it until the block ends.

    Raises: BenchError, when it ends or does not listen in time.
    """
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(os.environ) | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            if not _listens(port, child):
                output.seek(0)
                said = output.read().decode(errors="replace")[-2000:]
                raise BenchError(f"{command[0]} does not listen:\n{said}")
            yield child
        finally:
            _stop(child)


def run_once(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """Run a command to its end.

    Raises: BenchError, when it fails.
    """
    done = subprocess.run(
        command, cwd=folder, env=dict(os.environ) | dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _listens(port: int, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _READY_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.05)
    return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
