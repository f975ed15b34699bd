"""TCP ports on this machine: which are free, and who holds one that is not."""

import random
import socket
from pathlib import Path

# Below the range the kernel hands out to outgoing connections (32768 and up on Linux, 49152 on macOS): one from there
# could be taken by any client between our choice and the part's bind, or while a part restarts.
LOWEST, HIGHEST = 20_000, 32_000


def free_ports(count: int) -> list[int]:
    """Choose so many different free ports on 127.0.0.1."""
    chooser = random.SystemRandom()
    found: list[int] = []
    while len(found) < count:
        port = chooser.randrange(LOWEST, HIGHEST)
        if port not in found and is_free(port):
            found.append(port)
    return found


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could bind this port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def has_ipv6_loopback() -> bool:
    """Whether `::1` can be bound (containers often have no IPv6 at all)."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def holder(port: int) -> str:
    """Say who listens on a port, as `name (pid 12)`; an empty string when that cannot be seen."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(table, port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.removeprefix("socket:[").removesuffix("]") in inodes:
            process = descriptor.parents[1]
            return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _listening_inodes(table: str, port: int) -> list[str]:
    listening = "0A"
    try:
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    except OSError:
        return []
    return [row[9] for row in rows if row[3] == listening and int(row[1].rsplit(":", 1)[1], 16) == port]
