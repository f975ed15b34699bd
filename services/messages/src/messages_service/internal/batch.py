"""`POST /internal/messages/batch/`: what queued at a gateway while its last call was in flight."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chatire_shared.contracts.errors import ChatireError, Invalid, RateLimited
from chatire_shared.contracts.ids import is_sane_request_id
from chatire_shared.crash_points import hit
from messages_service.internal.plain import for_gateway, id_text_of, list_of
from messages_service.internal.tokens import Bearers, bearer_of, failure, verify_tokens
from messages_service.timeline.limits import spend_posts
from messages_service.timeline.services.batches import Posted
from messages_service.timeline.services.posting import NewMessage, post_messages

MAX_ITEMS = 500

Outcome = Posted | ChatireError


def answer_batch(body: dict[str, Any]) -> dict[str, Any]:
    """Post each item in its own user's name; one result per item, in order."""
    bearers = verify_tokens(list_of(body, "tokens", MAX_ITEMS))
    items = list_of(body, "items", MAX_ITEMS)
    wanted = [_parse(item, bearers) for item in items]
    outcomes = _spend(wanted)
    allowed = [new for new, outcome in zip(wanted, outcomes, strict=True) if outcome is None]
    news = [new for new in allowed if isinstance(new, NewMessage)]
    posted = iter(post_messages(items=news, now=datetime.now(UTC)))
    outcomes = [next(posted) if outcome is None else outcome for outcome in outcomes]
    hit("messages.before_batch_answer")
    return {"results": [_result(new, outcome) for new, outcome in zip(wanted, outcomes, strict=True)]}


batch = for_gateway("POST")(answer_batch)
"""The same as a view of Django's; most calls come by `internal.door`."""


def _parse(item: Any, bearers: Bearers) -> NewMessage | ChatireError:
    try:
        sender = str(bearer_of(item, bearers).user_id)
        if item.get("attachment_ids"):
            raise Invalid.field("attachment_ids", "not_found", "Name files of this conversation.")
        reply_to, request_id = item.get("reply_to"), item.get("request_id")
        return NewMessage(
            conversation=id_text_of(item.get("conversation"), "conversation"),
            sender=sender,
            client_id=id_text_of(item.get("client_id"), "client_id"),
            body=item.get("body"),
            reply_to=None if reply_to is None else id_text_of(reply_to, "reply_to"),
            request_id=request_id if is_sane_request_id(request_id) else None,
        )
    except ChatireError as error:
        return error


def _spend(wanted: list[NewMessage | ChatireError]) -> list[Outcome | None]:
    """Refusals by item, None for those that may be posted.

    What follows a limited item of the same person in the same conversation is refused too: posting it would put it
    before the one that is sent again later.
    """
    senders = [new.sender for new in wanted if isinstance(new, NewMessage)]
    decisions = iter(spend_posts(senders) if senders else [])
    held: dict[tuple[str, str], RateLimited] = {}
    outcomes: list[Outcome | None] = []
    for new in wanted:
        if isinstance(new, ChatireError):
            outcomes.append(new)
            continue
        decision, lane = next(decisions), (new.sender, new.conversation)
        if not decision.allowed and lane not in held:
            held[lane] = RateLimited(
                "You are sending too fast; the message can be sent again in a moment.",
                retry_after_seconds=decision.retry_after_seconds,
            )
        outcomes.append(held.get(lane))
    return outcomes


def _result(new: NewMessage | ChatireError, outcome: Outcome | None) -> dict[str, Any]:
    if isinstance(outcome, Posted) and isinstance(new, NewMessage):
        return {
            "ok": True,
            "created": outcome.created,
            "client_id": new.client_id,
            "conversation": new.conversation,
            "seq": outcome.seq,
            "message_id": outcome.message_id,
        }
    assert isinstance(outcome, ChatireError)  # noqa: S101 (every item was posted or refused)
    return failure(outcome)
