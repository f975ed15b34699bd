"""Namespaces of the Linux kernel: what is changed inside goes away with the last process in it, however that ends."""

from __future__ import annotations

import ctypes
import os
import subprocess

from chatire_faults.errors import Futile

NETWORK = 0x40000000  # CLONE_NEWNET
MOUNTS = 0x00020000  # CLONE_NEWNS


def enter_new(which: int) -> None:
    """Move this thread, and what it starts from now on, into a new namespace.

    Raises: Futile, where that is not possible.
    """
    if os.geteuid() != 0:
        raise Futile("only root can make a namespace")
    if ctypes.CDLL(None, use_errno=True).unshare(which):
        raise Futile(f"no namespace: {os.strerror(ctypes.get_errno())}")


def do(*command: str) -> None:
    """Run a command in the namespaces of this thread.

    Raises: Futile, when it fails or is not there.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise Futile(f"there is no {command[0]} here") from missing
    if done.returncode:
        raise Futile(f"{' '.join(command)}: {done.stderr.strip()}")
