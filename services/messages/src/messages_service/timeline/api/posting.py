"""What `POST /api/conversations/{id}/messages/` does, whichever way it comes."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from chatire_shared.contracts.errors import ChatireError, RateLimited
from chatire_shared.crash_points import hit
from messages_service.timeline.limits import spend_posts
from messages_service.timeline.selectors import messages
from messages_service.timeline.services.posting import ALONE_TIMEOUT_MS, NewMessage, post_messages


def post(new: NewMessage, now: datetime) -> tuple[HTTPStatus, dict[str, Any]]:
    """Post a message in its sender's name: 201 and the message; 200 and the first one for a repeated `client_id`.

    Raises:
        RateLimited: the sender posts too much.
        ChatireError: as `post_messages` has it.
        OperationalError, InterfaceError: PostgreSQL is away.
    """
    decision = spend_posts([new.sender])[0]
    if not decision.allowed:
        raise RateLimited(retry_after_seconds=decision.retry_after_seconds)
    outcome = post_messages(items=[new], now=now, lock_timeout_ms=ALONE_TIMEOUT_MS)[0]
    if isinstance(outcome, ChatireError):
        raise outcome
    hit("messages.before_answer")
    if outcome.shape is not None:
        return HTTPStatus.CREATED, outcome.shape
    found = messages.get_message(conversation_id=UUID(new.conversation), seq=outcome.seq)
    return HTTPStatus.OK, messages.shape_of(found)
