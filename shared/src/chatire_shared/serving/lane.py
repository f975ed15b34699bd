"""A caller's own lane: calls that come one after the other on one connection, past gunicorn's poller, pool and parser.

For a small call they are a good part of its cost. A caller who is known, and calls with every message that anybody
sends, gets a thread for as long as he keeps calling; whatever he sends that is not just that call goes the usual way.
"""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Mapping
from typing import Protocol

STAY_SECONDS = 0.1
"""So long a thread waits for the next call before it goes back to the pool."""
TIMEOUT_SECONDS = 15.0
MAX_HEAD_BYTES = 8_192
_END = b"\r\n\r\n"

_here = threading.local()


class Application(Protocol):
    """What answers in the lane; an attribute `lane` of the WSGI application."""

    def __call__(self, first_line: bytes, headers: Mapping[bytes, bytes], body: bytes) -> bytes | None:
        """The whole answer, or None when this call must go the usual way. Header names come in lower case."""


def offer() -> None:
    """Say, while a request is served, that its caller may have the lane."""
    _here.is_offered = True


def take_offer() -> bool:
    """Whether that was said of the request that this thread has just served."""
    is_offered = getattr(_here, "is_offered", False)
    _here.is_offered = False
    return is_offered


class NotForLane(Exception):
    """What has come must go the usual way.

    Attributes:
        data: All of it.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.data = data


def serve(connection: socket.socket, application: Application) -> bool:
    """Answer calls on a blocking connection for as long as they keep coming; False when it is closed.

    Raises:
        NotForLane: something came that isn't for the lane.
        OSError: the connection broke.
    """
    while select.select([connection], [], [], STAY_SECONDS)[0]:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            data = connection.recv(65_536)
            if not data:
                return False
            connection.sendall(_answer(connection, data, application))
        finally:
            connection.settimeout(None)
    return True


def _answer(connection: socket.socket, data: bytes, application: Application) -> bytes:
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    first_line, headers = _head(data[:end]) if end >= 0 else (b"", {})
    length = headers.get(b"content-length", b"")
    if not length.isdigit() or b"transfer-encoding" in headers or b"expect" in headers:
        raise NotForLane(data)
    parts, missing = [data], end + len(_END) + int(length) - len(data)
    while missing > 0:
        part = connection.recv(min(missing, 1_048_576))
        if not part:
            raise ConnectionError("The caller went away in the middle of a call.")
        parts.append(part)
        missing -= len(part)
    whole = b"".join(parts)
    answer = application(first_line, headers, whole[end + len(_END) :]) if missing == 0 else None
    if answer is None:
        raise NotForLane(whole)
    return answer


def _head(head: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The request's line and headers; none when a header comes twice, since it can't be said then which one counts."""
    first_line, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    return first_line, headers if len(headers) == len(lines) else {}
