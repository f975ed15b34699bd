"""Memberships, ranges, heads and read markers for the gateway; all from SQL, never from Redis."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from chatire_shared.contracts.errors import ChatireError, Invalid
from messages_service.conversations.selectors.belonging import read_memberships
from messages_service.internal.plain import for_gateway, id_of, list_of
from messages_service.internal.tokens import Bearers, bearer_of, failure, verify_tokens
from messages_service.people.models import Person
from messages_service.timeline.rules.bodies import is_unicode
from messages_service.timeline.selectors.events import Range, read_heads, read_ranges
from messages_service.timeline.services.reading import Mark, mark_read

MAX_RANGES, MAX_EVENTS, MAX_HEADS, MAX_READS, MAX_PEOPLE = 100, 500, 2_000, 500, 200
_MAX_ORIGIN_CHARS = 64


@for_gateway("GET")
def memberships(user_id: UUID) -> dict[str, Any]:
    """What a person belongs to, and the version of that."""
    return read_memberships([user_id])[0]


@for_gateway("POST")
def memberships_of_many(body: dict[str, Any]) -> dict[str, Any]:
    """The same for several people, in the order given: in a storm of reconnects they all come at once."""
    return {"memberships": read_memberships([id_of(value, "users") for value in list_of(body, "users", MAX_PEOPLE)])}


@for_gateway("POST")
def ranges(body: dict[str, Any]) -> dict[str, Any]:
    """Parts of logs, as ready-made frames."""
    wanted = [_range(entry) for entry in list_of(body, "ranges", MAX_RANGES)]
    return {"ranges": read_ranges(wanted)}


@for_gateway("POST")
def heads(body: dict[str, Any]) -> dict[str, Any]:
    """Heads of conversations and membership versions of people."""
    conversations = [id_of(value, "conversations") for value in list_of(body, "conversations", MAX_HEADS)]
    users = [id_of(value, "users") for value in list_of(body, "users", MAX_HEADS)]
    people = Person.objects.filter(id__in=users).values_list("id", "membership_version")
    return {
        "heads": read_heads(conversations),
        "membership_versions": {str(user): version for user, version in people},
    }


@for_gateway("POST")
def reads(body: dict[str, Any]) -> dict[str, Any]:
    """Move read markers, each in its own user's name."""
    bearers = verify_tokens(list_of(body, "tokens", MAX_READS))
    parsed = [_mark(item, bearers) for item in list_of(body, "items", MAX_READS)]
    moved = iter(mark_read(marks=[mark for mark in parsed if isinstance(mark, Mark)]))
    outcomes = [mark if isinstance(mark, ChatireError) else next(moved) for mark in parsed]
    return {
        "results": [
            failure(outcome) if isinstance(outcome, ChatireError) else {"ok": True, "read_seq": outcome}
            for outcome in outcomes
        ]
    }


def _range(entry: Any) -> Range:
    if not isinstance(entry, dict):
        raise Invalid.field("ranges", "invalid", "Send objects.")
    after, limit = _count(entry.get("after"), "after"), _count(entry.get("limit", MAX_EVENTS), "limit")
    return Range(id_of(entry.get("conversation"), "ranges"), after, min(limit, MAX_EVENTS))


def _mark(item: Any, bearers: Bearers) -> Mark | ChatireError:
    try:
        user_id = bearer_of(item, bearers).user_id
        seq, origin = _count(item.get("seq"), "seq"), item.get("origin")
        return Mark(
            id_of(item.get("conversation"), "conversation"), user_id, seq, origin if _is_origin(origin) else None
        )
    except ChatireError as error:
        return error


def _is_origin(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_ORIGIN_CHARS and is_unicode(value)


def _count(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Invalid.field(field, "invalid", "Send a whole number from 0.")
    return value
