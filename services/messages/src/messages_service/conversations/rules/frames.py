"""The JSON text of an event, composed once when it is committed and again, to the same bytes, from its row."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chatire_shared.contracts.strict_json import dumps
from chatire_shared.contracts.times import rfc3339


def event_json(
    *,
    conversation: UUID | str,
    seq: int,
    kind: str,
    at: datetime | str,
    actor: UUID | str,
    request_id: str | None,
    data: str,
) -> str:
    """An event as HTTP answers carry it.

    Args:
        conversation: Whose log it is in.
        seq: Its place there.
        kind: One of `EventKind`.
        at: Commit time, or its text.
        actor: Who did it.
        request_id: The request that did it.
        data: JSON text of `data`, taken as it is: parsing and writing it again would cost more than all the rest.
    """
    moment = at if isinstance(at, str) else rfc3339(at)
    return (
        f'{{"conversation":"{conversation}","seq":{seq},"kind":"{kind}","at":"{moment}",'
        f'"actor":"{actor}","request_id":{dumps(request_id)},"data":{data}}}'
    )


def frame(event: str) -> str:
    """The WebSocket frame of an event: the same with its type in front."""
    return '{"type":"event",' + event[1:]
