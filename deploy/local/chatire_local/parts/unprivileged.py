"""Runs a program that refuses to be root, for a root with no other user at hand. A script of its own, started with -I.

    python -I unprivileged.py namespace COMMAND...    as `nobody` inside a user namespace; the files stay root's
    python -I unprivileged.py nobody COMMAND...       as that user, for containers that forbid namespaces

It replaces itself by the command, so the pid stays the same.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
# PostgreSQL looks its own user up: inside the namespace it has to be one that /etc/passwd names; this is `nobody`.
NOBODY = 65534


def enter_namespace() -> None:
    """Become `nobody` in a new user namespace that maps to the present user outside."""
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {outside_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {outside_gid} 1")


def become(name: str) -> None:
    """Become another user for good."""
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main(mode: str, *command: str) -> None:
    """Give up being root, then become the command."""
    if mode == "namespace":
        enter_namespace()
    else:
        become(mode)
    if command:
        os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
