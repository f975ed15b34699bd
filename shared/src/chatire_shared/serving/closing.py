"""Closing a listening socket without cutting anybody off.

Closing it resets what the kernel has accepted and nobody has taken yet; the caller, who has sent its request already, can't
know whether it was done. So the last ones are taken first, while no more may come in.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

HANDSHAKE_SECONDS = 0.01
"""For the third packet of a handshake that had begun."""
_SO_ATTACH_FILTER = 26  # Linux; the `socket` module has no name for it.
# Four instructions of classic BPF, seen from the TCP header on: drop what has SYN among its flags, pass the rest.
_INSTRUCTION = "HBBI"
_DROP_SYN = struct.pack(
    _INSTRUCTION * 4,
    *(0x30, 0, 0, 13),  # load the byte with the flags
    *(0x45, 0, 1, 0x02),  # has it SYN?
    *(0x06, 0, 0, 0),  # then drop
    *(0x06, 0, 0, 0xFFFF_FFFF),  # else pass all of it
)


def let_nobody_in(listener: socket.socket) -> None:
    """Answer nobody who knocks from now on.

    They try again after a second, as TCP does, and are refused if the socket is closed by then. Where the kernel can't do it
    (it is not Linux, or only looks like it), what comes in the microseconds before the socket is closed is cut off.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(_DROP_SYN)
    count = len(_DROP_SYN) // struct.calcsize(_INSTRUCTION)
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", count, ctypes.addressof(program)))


def close_gently(listener: socket.socket, take: Callable[[], None]) -> None:
    """Close a socket after everything it has accepted was handed over with `take`."""
    let_nobody_in(listener)
    time.sleep(HANDSHAKE_SECONDS)
    while select.select([listener], [], [], 0)[0]:
        take()
    listener.close()
