"""How tests start a server process: tied to its parent's life, and never as root when the server refuses that.

PostgreSQL will not run as root. In order of preference root is left by a user namespace in which we are `nobody` (the
files stay root's, so nothing has to be copied or re-owned), else, where seccomp forbids namespaces (containers),
by setuid.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_NOBODY_INSIDE = 65534
_libc = ctypes.CDLL(None, use_errno=True)


class ServerDidNotStart(RuntimeError):
    """A server ended, or did not answer in time; the message carries the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def can_unshare_users() -> bool:
    """Whether a child of ours may enter a user namespace of its own; tried, since only the kernel knows."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return False
    probe = [sys.executable, "-c", "pass"]
    try:
        return subprocess.run(probe, preexec_fn=_enter_user_namespace, check=False).returncode == 0
    except subprocess.SubprocessError:
        return False


def unprivileged_account() -> pwd.struct_passwd:
    """The account to become when root must be left for real: `postgres`, else `nobody`."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def spawn(command: Sequence[str | Path], *, log: Path, leave_root: bool = False) -> subprocess.Popen[bytes]:
    """Start a server whose output goes to `log` and that dies with this process, however this process ends.

    Linux ties it to the calling thread: a server that is started by a thread ends with that thread.

    Args:
        command: Program and arguments.
        log: File that gets stdout and stderr, appended.
        leave_root: Whether the program refuses to be root; without effect for other users.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            start_new_session=True,  # Ctrl-C is for pytest; it stops us in an orderly way at exit.
            preexec_fn=_before_exec(leave_root=leave_root),  # noqa: PLW1509
        )


def run_to_end(command: Sequence[str | Path], *, log: Path, leave_root: bool = False) -> None:
    """Run a program like `spawn` and wait for its success."""
    if spawn(command, log=log, leave_root=leave_root).wait(timeout=60) != 0:
        raise ServerDidNotStart(tail(log))


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, seconds: float = 20) -> None:
    """Return as soon as `ready()`; raise ServerDidNotStart when the process ends or the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerDidNotStart(tail(log))
        time.sleep(0.01)


def tail(log: Path) -> str:
    """The last lines of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else "(no log)"


def _before_exec(*, leave_root: bool) -> Callable[[], None]:
    """What the child does between fork and exec, chosen before the fork (no imports or probing after it)."""
    become: Callable[[], None] = _nothing
    if leave_root and os.geteuid() == 0:
        become = _enter_user_namespace if can_unshare_users() else _become(unprivileged_account())

    def prepare() -> None:
        become()
        if sys.platform == "linux":  # Last: a change of credentials clears it.
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return prepare


def _nothing() -> None:
    """Leave the child as it is."""


def _enter_user_namespace() -> None:
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY_INSIDE} 0 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY_INSIDE} 0 1")


def _become(account: pwd.struct_passwd) -> Callable[[], None]:
    def change() -> None:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)

    return change
