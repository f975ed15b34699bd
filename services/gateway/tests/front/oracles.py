"""Two other people's parsers of RFC 6455, telling what they make of a client's bytes in the words of `vectors`."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import Any

from rawframes import TEXT
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import SERVER, Protocol
from wsproto import events
from wsproto.connection import Connection, ConnectionState, ConnectionType

Outcome = list[tuple[Any, ...]]


class BrokenText(Exception):
    """Text that isn't UTF-8."""


def by_websockets(pieces: Iterable[bytes], limit: int | None = None) -> Outcome:
    """`websockets` leaves it to its caller to put fragments together and to decode text."""
    protocol, whole, outcome = Protocol(SERVER, max_size=limit), _Whole(), []
    for piece in pieces:
        protocol.receive_data(piece)
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.CLOSE:
                close = Close.parse(event.data)
                return [*outcome, ("close", close.code, close.reason)]
            try:
                outcome += whole.taken(event)
            except BrokenText:
                return [*outcome, ("broken", 1007)]
        if protocol.close_rcvd is not None:
            # It takes a close within a message for a mistake; RFC 6455 section 5.4 lets control frames come there.
            return [*outcome, ("close", protocol.close_rcvd.code, protocol.close_rcvd.reason)]
        if protocol.parser_exc is not None:
            assert protocol.close_sent is not None
            return [*outcome, ("broken", protocol.close_sent.code)]
    return outcome


class _Whole:
    """A message from its fragments."""

    def __init__(self) -> None:
        self.kind = 0
        self.data = b""
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def taken(self, frame: Frame) -> Outcome:
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            return [("ping" if frame.opcode is Opcode.PING else "pong", bytes(frame.data))]
        if frame.opcode is not Opcode.CONT:
            self.kind, self.data = frame.opcode, b""
            self.decoder.reset()
        self.data += frame.data
        if self.kind == TEXT:
            try:
                self.decoder.decode(bytes(frame.data), frame.fin)
            except UnicodeDecodeError:
                raise BrokenText from None
        if not frame.fin:
            return []
        return [("text", self.data.decode())] if self.kind == TEXT else [("binary", self.data)]


def by_wsproto(pieces: Iterable[bytes]) -> Outcome:
    """`wsproto` gives messages in parts, and has no limit."""
    connection, parts, outcome = Connection(ConnectionType.SERVER), [], []
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, events.CloseConnection):
                # Its word for a mistake is the same; only its state tells the two apart.
                if connection.state is ConnectionState.REMOTE_CLOSING:
                    return [*outcome, ("close", int(event.code), event.reason or "")]
                return [*outcome, ("broken", int(event.code))]
            outcome += _of_wsproto(event, parts)
    return outcome


def _of_wsproto(event: events.Event, parts: list[Any]) -> Outcome:
    if isinstance(event, events.Ping | events.Pong):
        return [("ping" if isinstance(event, events.Ping) else "pong", bytes(event.payload))]
    assert isinstance(event, events.TextMessage | events.BytesMessage)
    parts.append(event.data)
    if not event.message_finished:
        return []
    is_text = isinstance(event, events.TextMessage)
    whole = "".join(parts) if is_text else b"".join(parts)
    parts.clear()
    return [("text" if is_text else "binary", whole)]
