"""Letting a socket in: verify, subscribe, fetch, `ready`, replay; in that order, or something could be missed."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from chatire_shared.bus.groups import conversation_group, user_group
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.contracts import close_codes
from chatire_shared.contracts.errors import ChatireError, TokenRevoked, Unavailable
from chatire_shared.contracts.times import rfc3339
from chatire_shared.crash_points import hit
from chatire_shared.identity.principal import Principal
from gateway_service.realtime import frames
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.effects import Subscribe
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.metrics import Shed
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.session import HEARTBEAT_SECONDS, Admission, Close, Phase
from gateway_service.realtime.watch import rfc3339_of

logger = logging.getLogger("chatire.gateway")

_TRY_AGAIN = Close(close_codes.INTERNAL_ERROR, "not available, try again")


async def admit(gateway: Gateway, connection: Connection, admission: Admission) -> None:
    """Let a socket in, or close it."""
    session = connection.session
    session.phase = Phase.ADMITTING
    token = admission.token or session.header_token or ""
    verified = await verify(gateway, token)
    if isinstance(verified, Close):
        refuse(gateway, connection, verified)
        return
    hit("gateway.after_verify")
    session.admitted(verified, token)
    if not gateway.crowd.identify(connection):
        gateway.metrics.shed[Shed.USER_SOCKETS] += 1
        refuse(gateway, connection, Close(close_codes.TOO_MANY_CONNECTIONS, "too many connections"))
        return
    user = str(verified.user_id)
    gateway.hub.expect(user)
    try:
        await _open(gateway, connection, verified, admission)
    except Unavailable:
        refuse(gateway, connection, _TRY_AGAIN)
    finally:
        gateway.hub.arrived(user)
        gateway.look_later(connection)


async def verify(gateway: Gateway, token: str) -> Principal | Close:
    """The principal of a token, or how to close.

    At once where its key is at hand: 200 µs of work at most, and the way to a thread and back cost 400 more.
    """
    if not gateway.feed.caught_up_once:
        return _TRY_AGAIN
    try:
        known = gateway.verifier.verify_at_once(token)
        if known is not None:
            return known
        return await gateway.upstream.run(lambda: gateway.verifier.verify(token))
    except TokenRevoked:
        return Close(close_codes.SESSION_REVOKED, "session revoked")
    except Unavailable:
        return _TRY_AGAIN
    except ChatireError:
        return Close(close_codes.UNAUTHENTICATED, "no valid token")


def refuse(gateway: Gateway, connection: Connection, end: Close) -> None:
    """Close a socket that isn't let in."""
    gateway.metrics.handshakes["refused"] += 1
    connection.close(end.code, end.reason)


async def _open(gateway: Gateway, connection: Connection, principal: Principal, admission: Admission) -> None:
    user = str(principal.user_id)
    # The person's group first: a `joined` between the fetch and the subscription would be lost.
    await _subscribe(gateway, [user_group(user)])
    memberships = await gateway.gathering.memberships(user)
    prepared = gateway.hub.prepare(memberships)
    gateway.run(prepared)
    groups = [conversation_group(effect.conversation) for effect in prepared if isinstance(effect, Subscribe)]
    await _subscribe(gateway, groups)
    hit("gateway.before_ready")
    if not connection.is_open:
        return
    if gateway.feed.revocations.covers(principal):
        refuse(gateway, connection, Close(close_codes.SESSION_REVOKED, "session revoked"))
        return
    connection.session.phase = Phase.OPEN
    gateway.crowd.settled(connection)
    connection.session.heard_at = time.monotonic()
    gateway.metrics.handshakes["opened"] += 1
    gateway.send(connection, _ready(connection, principal, memberships))
    hit("gateway.after_ready")
    gateway.run(gateway.hub.attach(connection.id, memberships, admission.cursors, admission.epochs))


async def _subscribe(gateway: Gateway, groups: list[str]) -> None:
    """Without Redis we go on: deaf, with heads polled until it is back."""
    if not groups or not gateway.bus.connected:
        if groups:
            gateway.tasks.start(gateway.runner.subscribe_groups(groups))
        return
    try:
        await gateway.bus.subscribe(groups)
    except BusUnavailable:
        logger.info("Redis is away; a socket is let in without it.")


def _ready(connection: Connection, principal: Principal, memberships: Memberships) -> Frame:
    return frames.ready(
        user={
            "id": str(principal.user_id),
            "username": principal.username,
            "display_name": principal.display_name,
            "role": principal.role,
        },
        session={"id": str(principal.session_id), "expires_at": rfc3339_of(principal.expires_at)},
        connection=connection.id,
        server_time=rfc3339(datetime.now(UTC)),
        heartbeat=HEARTBEAT_SECONDS,
        conversations=[
            {
                "id": item.conversation,
                "kind": item.kind,
                "epoch": item.epoch,
                "visible_from_seq": item.visible_from_seq,
                "last_seq": item.last_seq,
                "read_seq": item.read_seq,
            }
            for item in memberships.by_conversation.values()
        ],
    )
