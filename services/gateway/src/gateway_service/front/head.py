"""The head of a WebSocket's opening request, and what answers it (RFC 6455 section 4.2, RFC 9112). Pure."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha1
from http import HTTPStatus

MAX_HEAD_BYTES = 16_384
"""Twisted's own bound for a request's headers."""

_END = b"\r\n\r\n"
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VISIBLE = re.compile(rb"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A request to open a WebSocket, as ASGI wants it.

    Attributes:
        target: Path and query as they were sent.
        headers: Lower-case names with their values, in order; names with an underscore are left out, since they may
            pass for others behind a gateway that writes `_` for `-`.
        key: The client's `Sec-WebSocket-Key`.
        rest: What came after the head: frames that were sent before our answer.
    """

    target: bytes
    headers: list[tuple[bytes, bytes]]
    key: bytes
    rest: bytes

    @property
    def path(self) -> bytes:
        """The target up to its query."""
        return self.target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        """The target's query."""
        return self.target.partition(b"?")[2]

    def subprotocols(self) -> list[str]:
        """What the client offers, from however many lines."""
        offers = b",".join(value for name, value in self.headers if name == b"sec-websocket-protocol")
        return [word for word in (part.strip() for part in offers.decode("latin-1").split(",")) if word]


class NotOurs(Exception):
    """Something else than a WebSocket at our path: the HTTP server behind us answers it."""


class Refused(Exception):
    """A WebSocket's opening request that is broken."""

    def __init__(self, status: HTTPStatus, *headers: tuple[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def read_upgrade(data: bytes, path: bytes) -> Upgrade | None:
    """The request in `data`; None when more of it must come first.

    Raises:
        NotOurs: it is none for us.
        Refused: it is for us, but broken.
    """
    wanted = b"GET " + path
    if not data.startswith(wanted[: len(data)]):
        raise NotOurs
    end_of_line = data.find(b"\r\n")
    if end_of_line < 0:
        _require_short(data)
        return None
    target = _target(data[:end_of_line])
    if target.partition(b"?")[0] != path:
        raise NotOurs
    end = data.find(_END)
    if end < 0:
        _require_short(data)
        return None
    if end > MAX_HEAD_BYTES:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers = _headers(data[end_of_line + 2 : end]) if end > end_of_line else []
    return Upgrade(target, [item for item in headers if b"_" not in item[0]], _key(headers), data[end + len(_END) :])


def _require_short(data: bytes) -> None:
    if len(data) > MAX_HEAD_BYTES:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _target(line: bytes) -> bytes:
    words = line.split(b" ")
    if len(words) != 3 or words[2] != b"HTTP/1.1" or not _VISIBLE.fullmatch(words[1]):
        raise NotOurs
    return words[1]


def _headers(lines: bytes) -> list[tuple[bytes, bytes]]:
    headers = []
    for line in lines.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        value = value.strip(b" \t")
        if not colon or not _NAME.fullmatch(name) or _BAD_IN_VALUE.search(value):
            raise Refused(HTTPStatus.BAD_REQUEST)
        headers.append((name.lower(), value))
    return headers


def _key(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Check what section 4.2.1 asks for; the key."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    if not _has_word(found.get(b"upgrade"), b"websocket"):
        raise NotOurs
    if found.get(b"sec-websocket-version") != [b"13"]:
        raise Refused(HTTPStatus.UPGRADE_REQUIRED, ("Sec-WebSocket-Version", "13"))
    keys = found.get(b"sec-websocket-key", [])
    lengths = found.get(b"content-length", [b"0"])
    if (
        not _has_word(found.get(b"connection"), b"upgrade")
        or len(found.get(b"host", [])) != 1
        or b"transfer-encoding" in found
        or lengths != [b"0"]
        or len(keys) != 1
        or not _is_key(keys[0])
    ):
        raise Refused(HTTPStatus.BAD_REQUEST)
    return keys[0]


def _has_word(values: list[bytes] | None, word: bytes) -> bool:
    return values is not None and any(part.strip().lower() == word for part in b",".join(values).split(b","))


def _is_key(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def switching(key: bytes, subprotocol: str | None, headers: list[tuple[bytes, bytes]] | None = None) -> bytes:
    """The answer that opens the socket."""
    accept = base64.b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    lines = [
        b"HTTP/1.1 101 Switching Protocols\r\nServer: chatire\r\nUpgrade: WebSocket\r\nConnection: Upgrade",
        *(name + b": " + value for name, value in headers or ()),
    ]
    if subprotocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("latin-1"))
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + accept]) + _END


def refusal(status: HTTPStatus, *headers: tuple[str, str]) -> bytes:
    """An answer that refuses."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Server: chatire",
        *(f"{name}: {value}" for name, value in headers),
        "Content-Length: 0",
        "Connection: close",
    ]
    return "\r\n".join(lines).encode("latin-1") + _END
