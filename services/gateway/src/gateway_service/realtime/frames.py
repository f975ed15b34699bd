"""Server frames of chatire.v1, built once however many sockets they go to (protocol.md section 5). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any

from chatire_shared.contracts.strict_json import dumps_bytes

MAX_EVENTS = 100
MAX_EVENTS_BYTES = 131_072
"""An `events` frame ends after this many bytes (with at least one event): a replay must fit a socket's bounded queue."""


class Frame:
    """One text message in its three forms: UTF-8 payload, WebSocket frame (RFC 6455 section 5.2), and text.

    The last two are made at their first use and kept, since the same frame goes to many sockets.

    Attributes:
        payload: The JSON text in UTF-8.
        size: Its length in bytes.
        droppable: Whether a socket that is behind goes without it.
    """

    __slots__ = ("_text", "_wire", "droppable", "payload", "size")

    def __init__(self, payload: bytes, *, droppable: bool = False) -> None:
        """Take the JSON text.

        Args:
            payload: UTF-8, never empty (Daphne would send nothing).
            droppable: Whether a socket that is behind goes without it (typing): nothing is lost for good.
        """
        self.payload = payload
        self.size = len(payload)
        self.droppable = droppable
        self._wire: bytes | None = None
        self._text: str | None = None

    @property
    def each(self) -> Sequence[Frame]:
        """Itself, as a run of one."""
        return (self,)

    @property
    def wire(self) -> bytes:
        """The unmasked WebSocket text frame."""
        if self._wire is None:
            self._wire = _header(len(self.payload)) + self.payload
        return self._wire

    @property
    def text(self) -> str:
        """The payload as ASGI wants it."""
        if self._text is None:
            self._text = self.payload.decode()
        return self._text


class Run:
    """Frames that follow one another to the same sockets: each socket's way out takes them as one piece."""

    __slots__ = ("_wire", "each", "size")

    droppable = False

    def __init__(self, frames: Sequence[Frame]) -> None:
        """Take what goes together; nothing droppable."""
        self.each = frames
        self.size = sum(frame.size for frame in frames)
        self._wire: bytes | None = None

    @property
    def wire(self) -> bytes:
        """The WebSocket frames, one behind the other."""
        if self._wire is None:
            self._wire = b"".join(frame.wire for frame in self.each)
        return self._wire


Piece = Frame | Run
"""What a socket's way out takes at once."""


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return struct.pack("!BBH", 0x81, 126, length)
    return struct.pack("!BBQ", 0x81, 127, length)


def _frame(kind: str, *, droppable: bool = False, **fields: Any) -> Frame:
    return Frame(dumps_bytes({"type": kind, **fields}), droppable=droppable)


def ready(
    *,
    user: dict[str, Any],
    session: dict[str, Any],
    connection: str,
    server_time: str,
    heartbeat: int,
    conversations: Sequence[dict[str, Any]],
) -> Frame:
    """The first frame of every socket."""
    return _frame(
        "ready",
        user=user,
        session=session,
        connection=connection,
        server_time=server_time,
        heartbeat=heartbeat,
        conversations=list(conversations),
    )


def events(conversation: str, bodies: Iterable[bytes]) -> Frame:
    """Several events at once; each body is the JSON text of one `event` frame."""
    head = f'{{"type":"events","conversation":"{conversation}","events":['.encode()
    return Frame(head + b",".join(bodies) + b"]}")


def ack(*, id: str, conversation: str, seq: int, message_id: str) -> Frame:  # noqa: A002 (the field's name)
    """A `send` is committed; all ids are UUIDs, so there is nothing to escape."""
    text = f'{{"type":"ack","id":"{id}","conversation":"{conversation}","seq":{seq},"message_id":"{message_id}"}}'
    return Frame(text.encode())


def error(
    *,
    code: str,
    detail: str,
    retryable: bool,
    id: str | None = None,  # noqa: A002 (the field's name)
    retry_after_ms: int | None = None,
) -> Frame:
    """A frame could not be done; the connection stays."""
    fields: dict[str, Any] = {"code": code, "detail": detail, "retryable": retryable}
    if id is not None:
        fields["id"] = id
    if retry_after_ms is not None:
        fields["retry_after_ms"] = retry_after_ms
    return _frame("error", **fields)


def joined(*, conversation: str, last_seq: int, visible_from_seq: int) -> Frame:
    """One is a member now; events follow from `last_seq` + 1."""
    return _frame("joined", conversation=conversation, last_seq=last_seq, visible_from_seq=visible_from_seq)


def left(*, conversation: str, seq: int | None = None) -> Frame:
    """One is no member; nothing follows."""
    if seq is None:
        return _frame("left", conversation=conversation)
    return _frame("left", conversation=conversation, seq=seq)


def read(*, conversation: str, user: str, seq: int) -> Frame:
    """One has read up to `seq` elsewhere."""
    return _frame("read", conversation=conversation, user=user, seq=seq)


def typing(*, conversation: str, user: str, state: bool | str) -> Frame:
    """Somebody types, or stopped."""
    return _frame("typing", droppable=True, conversation=conversation, user=user, state=state)


def resync(*, conversation: str, last_seq: int) -> Frame:
    """Fetch by HTTP; live goes on from `last_seq` + 1."""
    return _frame("resync", conversation=conversation, last_seq=last_seq)


def session(*, expires_at: str) -> Frame:
    """When the token ends."""
    return _frame("session", expires_at=expires_at)


def pong(*, n: int) -> Frame:
    """Answers a `ping`."""
    return _frame("pong", n=n)


def bye(*, reason: str, reconnect_after_ms: int) -> Frame:
    """The server closes soon."""
    return _frame("bye", reason=reason, reconnect_after_ms=reconnect_after_ms)
