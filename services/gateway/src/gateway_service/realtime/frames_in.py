"""What each client frame does once a socket is open."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Any

from chatire_shared.bus.groups import conversation_group
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.contracts import close_codes, envelopes
from chatire_shared.contracts.errors import Malformed, Unavailable
from gateway_service.realtime import admission, frames, protocol
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.gateway import MAX_OUTSTANDING_SENDS, Gateway
from gateway_service.realtime.metrics import Shed
from gateway_service.realtime.session import Close, Phase
from gateway_service.realtime.uplink import Queued
from gateway_service.realtime.watch import rfc3339_of

Waiting = Coroutine[Any, Any, None]
"""What is left to do with a frame that has to wait for something; frames behind it wait for its end."""


async def received(gateway: Gateway, connection: Connection, text: str | None) -> None:
    """Act on one message of a socket; None stands for a binary one."""
    waiting = take(gateway, connection, text)
    if waiting is not None:
        await waiting


def take(gateway: Gateway, connection: Connection, text: str | None) -> Waiting | None:
    """Act on one message as far as that goes at once, which for most is to the end: they cost no task."""
    if not connection.is_open:
        return None
    flood = connection.session.heard(time.monotonic())
    if flood is not None:
        gateway.metrics.shed[Shed.FLOOD] += 1
        connection.close(flood.code, flood.reason)
        return None
    malformed = close_codes.MALFORMED if connection.session.phase is Phase.OPEN else close_codes.UNAUTHENTICATED
    if text is None:
        connection.close(malformed, "binary frames are not spoken here")
        return None
    if _is_too_large(text):
        connection.close(close_codes.FRAME_TOO_LARGE, "frame too large")
        return None
    try:
        frame = protocol.parse(text)
    except Malformed:
        connection.close(malformed, "malformed")
        return None
    if connection.session.phase is Phase.OPEN:
        return _open_frame(gateway, connection, frame)
    return _first_frame(gateway, connection, frame)


def _is_too_large(text: str) -> bool:
    """Whether its UTF-8 is over the limit; measured only where four bytes a character could be."""
    limit = protocol.MAX_FRAME_BYTES
    return len(text) > limit or (len(text) > limit // 4 and len(text.encode()) > limit)


async def _first_frame(
    gateway: Gateway, connection: Connection, frame: protocol.ClientFrame | protocol.Refusal
) -> None:
    wanted = connection.session.first_frame(frame)
    if isinstance(wanted, Close):
        admission.refuse(gateway, connection, wanted)
    else:
        await admission.admit(gateway, connection, wanted)


def _open_frame(
    gateway: Gateway, connection: Connection, frame: protocol.ClientFrame | protocol.Refusal
) -> Waiting | None:
    if isinstance(frame, protocol.Refusal):
        gateway.send(connection, frames.error(code="invalid", detail=frame.detail, id=frame.id, retryable=False))
        return None
    return _HANDLERS[type(frame)](gateway, connection, frame)


async def _auth(gateway: Gateway, connection: Connection, frame: protocol.Auth) -> None:
    """A fresh token of the same user."""
    session = connection.session
    if frame.cursors is not None:
        detail = "Cursors belong to the first auth; send resume instead."
        gateway.send(connection, frames.error(code="invalid", detail=detail, retryable=False))
        return
    verified = await admission.verify(gateway, frame.token)
    if isinstance(verified, Close):
        connection.close(verified.code, verified.reason)
        return
    if session.principal is None or verified.user_id != session.principal.user_id:
        connection.close(close_codes.UNAUTHENTICATED, "a token of somebody else")
        return
    if not connection.is_open:
        return
    if gateway.feed.revocations.covers(verified):
        connection.close(close_codes.SESSION_REVOKED, "session revoked")
        return
    gateway.metrics.token_refreshes += 1
    session.admitted(verified, frame.token)
    gateway.crowd.identify(connection)
    gateway.send(connection, frames.session(expires_at=rfc3339_of(verified.expires_at)))
    gateway.look_later(connection)


async def _resume(gateway: Gateway, connection: Connection, frame: protocol.Resume) -> None:
    """Restart conversations at cursors; what the user belongs to is asked anew (never skip that on a resume)."""
    principal = connection.session.principal
    assert principal is not None  # noqa: S101 (the socket is open)
    try:
        memberships = await gateway.gathering.memberships(str(principal.user_id))
    except Unavailable as error:
        gateway.send(connection, frames.error(code=error.code, detail=error.detail, retryable=True))
        return
    if connection.is_open:
        gateway.run(gateway.hub.resume(connection.id, memberships, frame.cursors, frame.epochs))


def _send(gateway: Gateway, connection: Connection, frame: protocol.Send) -> None:
    """Hand a message to the uplink; when too many of this socket are on their way, read no more until some are done."""
    connection.outstanding += 1
    if connection.outstanding >= MAX_OUTSTANDING_SENDS:
        connection.transport.pause()
    gateway.uplink.put(Queued(connection, connection.session.token or "", frame))


def _read(gateway: Gateway, connection: Connection, frame: protocol.Read) -> None:
    gateway.reads.put(connection, frame.conversation, frame.seq)


def _typing(gateway: Gateway, connection: Connection, frame: protocol.Typing) -> None:
    """Tell the other gateways and, by the same way, the sockets here."""
    principal = connection.session.principal
    assert principal is not None  # noqa: S101 (the socket is open)
    if not gateway.hub.is_member(connection.id, frame.conversation):
        detail = "There is no such conversation that you can see."
        gateway.send(connection, frames.error(code="not_found", detail=detail, retryable=False))
        return
    if not connection.session.may_type(frame.conversation, time.monotonic()):
        gateway.metrics.shed[Shed.TYPING_RATE] += 1
        return
    message = envelopes.typing(
        conversation=frame.conversation, user=str(principal.user_id), state=frame.state, connection=connection.id
    )
    gateway.tasks.start(_publish(gateway, conversation_group(frame.conversation), message))


async def _publish(gateway: Gateway, group: str, message: dict[str, Any]) -> None:
    try:
        await gateway.bus.publish(group, message)
    except BusUnavailable:
        gateway.metrics.shed[Shed.TYPING_NO_BUS] += 1  # Typing may be lost.


def _watch(gateway: Gateway, connection: Connection, frame: protocol.Watch) -> None:
    """Presence comes later; the wish is valid and nobody is reported."""


def _ping(gateway: Gateway, connection: Connection, frame: protocol.Ping) -> None:
    gateway.send(connection, frames.pong(n=frame.n))


_HANDLERS: dict[type[Any], Callable[[Gateway, Connection, Any], Waiting | None]] = {
    protocol.Auth: _auth,
    protocol.Resume: _resume,
    protocol.Send: _send,
    protocol.Read: _read,
    protocol.Typing: _typing,
    protocol.Watch: _watch,
    protocol.Ping: _ping,
}
