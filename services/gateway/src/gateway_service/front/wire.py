"""RFC 6455 frames, the server's side of them: bytes in, messages out, and the reverse. Pure: no I/O, no clock.

Nothing is kept for a socket on which nothing is under way; what is incomplete is kept up to one message of `limit` bytes.
"""

from __future__ import annotations

import codecs
import struct
from typing import Any

from gateway_service.front.masks import unmasked

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RESERVED, CONTROL, MASKED = 0x80, 0x70, 0x8, 0x80
MAX_CONTROL_BYTES = 125

NORMAL, PROTOCOL_ERROR, NO_CODE, INVALID_TEXT, TOO_BIG = 1000, 1002, 1005, 1007, 1009

_SHORT, _LONG = 126, 127
_DATA = frozenset({CONTINUATION, TEXT, BINARY})
_OPCODES = _DATA | {CLOSE, PING, PONG}
_MAY_CLOSE = frozenset({*range(1000, 1004), *range(1007, 1015)})
"""Codes below 3000 that may be sent: RFC 6455 section 7.4 and what IANA has registered since."""

Item = tuple[int, Any]
"""`(TEXT, str)`, `(BINARY, bytes)`, `(PING | PONG, bytes)`, `(CLOSE, (code, reason))`, `(CONTINUATION, b"")` for a part."""


class Broken(Exception):
    """The other side broke the protocol: the connection must be failed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Parser:
    """Takes a client's bytes as they come and gives them back as messages, one at a time.

    After a close frame, and after `Broken`, whatever follows is thrown away, as section 5.5.1 has it.
    """

    __slots__ = ("_at", "_data", "_decoder", "_kind", "_over", "_whole", "limit")

    def __init__(self, limit: int) -> None:
        """Begin.

        Args:
            limit: The most bytes that a message may have, in one frame or in many.
        """
        self.limit = limit
        self._data: bytes | bytearray = b""
        self._at = 0
        self._kind = CONTINUATION
        self._whole: bytearray | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._over = False

    @property
    def unread(self) -> int:
        """Bytes that were fed and are in no message that was given yet."""
        return len(self._data) - self._at + len(self._whole or b"")

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more."""
        return self._over

    def feed(self, data: bytes) -> None:
        """Take what came."""
        if self._over:
            return
        if not self._data:
            self._data = data
            return
        if isinstance(self._data, bytes):
            self._data = bytearray(self._data)
        if self._at:
            del self._data[: self._at]
            self._at = 0
        self._data += data

    def next(self) -> Item | None:
        """The next message, control frame or part of a message; None when more must come first.

        Raises:
            Broken: the client may not do this.
        """
        try:
            item = self._frame()
        except Broken:
            self._end()
            raise
        if item is None and self._at:
            self._data, self._at = self._data[self._at :], 0  # So that a few bytes don't hold a whole read.
        return item

    def _frame(self) -> Item | None:
        data, at = self._data, self._at
        have = len(data) - at
        if have < 2:
            return None
        first, second = data[at], data[at + 1]
        size = second & 0x7F
        self._check_head(first, second, size)
        body = at + 6
        if size >= _SHORT:
            body += 2 if size == _SHORT else 8
            if have < body - at - 4:
                return None
            size = _long_size(data[at + 2 : body - 4])
        opcode = first & 0x0F
        if opcode in _DATA and size + len(self._whole or b"") > self.limit:
            raise Broken(TOO_BIG, "frame too large")
        end = body + size
        if len(data) < end:
            return None
        payload = unmasked(data[body:end], data[body - 4 : body]) if size else b""
        if end == len(data):
            self._data, self._at = b"", 0
        else:
            self._at = end
        return self._message(opcode, payload, final=first >= FIN)

    def _check_head(self, first: int, second: int, size: int) -> None:
        """What the first two bytes can break."""
        if first == FIN | TEXT and second >= MASKED and self._whole is None:
            return
        opcode = first & 0x0F
        if first & RESERVED:
            raise Broken(PROTOCOL_ERROR, "a reserved bit is set")
        if opcode not in _OPCODES:
            raise Broken(PROTOCOL_ERROR, "a reserved opcode")
        if not second & MASKED:
            raise Broken(PROTOCOL_ERROR, "a client's frames must be masked")
        if opcode & CONTROL:
            if size > MAX_CONTROL_BYTES:
                raise Broken(PROTOCOL_ERROR, "a control frame is too long")
            if first < FIN:
                raise Broken(PROTOCOL_ERROR, "a control frame is fragmented")
        elif (opcode == CONTINUATION) == (self._whole is None):
            what = "continuation of nothing" if opcode == CONTINUATION else "a message within a message"
            raise Broken(PROTOCOL_ERROR, what)

    def _message(self, opcode: int, payload: bytes, *, final: bool) -> Item:
        if opcode & CONTROL:
            if opcode == CLOSE:
                end = _closing(payload)
                self._end()
                return CLOSE, end
            return opcode, bytes(payload)
        if final and self._whole is None:
            return opcode, _text(payload) if opcode == TEXT else bytes(payload)
        return self._part(opcode, payload, final=final)

    def _part(self, opcode: int, payload: bytes, *, final: bool) -> Item:
        """One fragment; text is checked as it comes, so that a wrong byte ends the connection at once."""
        if self._whole is None:
            self._kind, self._whole = opcode, bytearray()
            self._decoder = codecs.getincrementaldecoder("utf-8")() if opcode == TEXT else None
        self._whole += payload
        if self._decoder is not None:
            try:
                self._decoder.decode(payload, final)
            except UnicodeDecodeError:
                raise Broken(INVALID_TEXT, "text that is not UTF-8") from None
        if not final:
            return CONTINUATION, b""
        whole, self._whole, self._decoder = self._whole, None, None
        return self._kind, whole.decode() if self._kind == TEXT else bytes(whole)

    def _end(self) -> None:
        self._over = True
        self._data, self._at = b"", 0
        self._whole = self._decoder = None


def _long_size(field: bytes | bytearray) -> int:
    """A length of 16 or 64 bits, which must need that many (section 5.2)."""
    size = int.from_bytes(field, "big")
    if size < _SHORT or (len(field) == 8 and (size < 65_536 or size >> 63)):
        raise Broken(PROTOCOL_ERROR, "length not in its shortest form")
    return size


def _text(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Broken(INVALID_TEXT, "text that is not UTF-8") from None


def _closing(payload: bytes) -> tuple[int, str]:
    """Code and reason of a close frame; `NO_CODE` when it has none."""
    if not payload:
        return NO_CODE, ""
    if len(payload) == 1:
        raise Broken(PROTOCOL_ERROR, "half a close code")
    code = payload[0] << 8 | payload[1]
    if not (code in _MAY_CLOSE or 3000 <= code < 5000):
        raise Broken(PROTOCOL_ERROR, "a close code that may not be sent")
    return code, _text(payload[2:])


def frame(opcode: int, payload: bytes) -> bytes:
    """An unfragmented frame as a server sends it."""
    size = len(payload)
    if size < _SHORT:
        return bytes((FIN | opcode, size)) + payload
    if size < 65_536:
        return struct.pack("!BBH", FIN | opcode, _SHORT, size) + payload
    return struct.pack("!BBQ", FIN | opcode, _LONG, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; `NO_CODE` makes an empty one, and a reason that is too long is cut between characters."""
    if code == NO_CODE:
        return frame(CLOSE, b"")
    words = reason.encode()[: MAX_CONTROL_BYTES - 2].decode(errors="ignore").encode()
    return frame(CLOSE, struct.pack("!H", code) + words)
