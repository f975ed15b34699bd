"""What the gateway asks of messages (docs/internal.md, "messages")."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from exchanges.matching import ID, TEXT, TIME, Like, json_text, problem
from exchanges.messages_stages import MessagesStage as Stage
from exchanges.table import Asked, Exchange

BATCH, READS = "POST /internal/messages/batch/", "POST /internal/reads/"
RANGES, HEADS = "POST /internal/events/ranges/", "POST /internal/heads/"
MEMBERSHIPS = "GET /internal/users/{id}/memberships/"
MANY = "POST /internal/memberships/"
FIRST, SECOND = str(UUID(int=101)), str(UUID(int=102))
OF_MANY = "POST /internal/memberships/"
NOBODY = str(UUID(int=404))


def post(call: str, body: Any, caller: str | None = "gateway", **more: Any) -> Asked:
    fields = {"v": 1, **body} if isinstance(body, dict) else body
    return Asked(call.removeprefix("POST "), fields, caller, "messages", **more)


def send(stage: Stage, *tokens: Any, token: Any = 0, **changes: Any) -> Asked:
    """A batch of one message of ada's, with changes."""
    item = {
        "token": token,
        "client_id": FIRST,
        "conversation": stage.group,
        "body": "hello",
        "request_id": "req-01234567",
    }
    return post(BATCH, {"tokens": list(tokens or [stage.ada.token]), "items": [item | changes]})


def posted(stage: Stage, seq: int, client_id: str = FIRST, *, created: bool = True) -> dict[str, Any]:
    place = {"client_id": client_id, "conversation": stage.group, "seq": seq, "message_id": ID}
    return {"ok": True, "created": created, **place}


def refused(code: str) -> dict[str, Any]:
    return {"ok": False, "code": code, "detail": TEXT, "retryable": False}


def results(*each: dict[str, Any]) -> dict[str, Any]:
    return {"v": 1, "results": list(each)}


def mark(stage: Stage, seq: int, person: str = "grace") -> Asked:
    item = {"token": 0, "conversation": stage.group, "seq": seq, "origin": "a-socket"}
    return post(READS, {"tokens": [getattr(stage, person).token], "items": [item]})


def part(stage: Stage, after: int, limit: int, conversation: str | None = None) -> Asked:
    return post(RANGES, {"ranges": [{"conversation": conversation or stage.group, "after": after, "limit": limit}]})


REQUEST = Like("a request id, or null", lambda value: value is None or value == TEXT)


def event(stage: Stage, seq: int, kind: str, actor: str, data: Any) -> Like:
    """The frame of an event."""
    place = {"type": "event", "conversation": stage.group, "seq": seq, "kind": kind, "at": TIME, "actor": actor}
    return json_text(place | {"request_id": REQUEST, "data": data})


def message(stage: Stage, seq: int, body: str) -> dict[str, Any]:
    return {
        "id": ID,
        "conversation": stage.group,
        "seq": seq,
        "client_id": ID,
        "sender": {"id": stage.ada.id, "username": "ada", "display_name": "Ada"},
        "body": body,
        "html": f"<p>{body}</p>",
        "reply_to": None,
        "attachments": [],
        "reactions": [],
        "mentions": [],
        "pinned": False,
        "created_at": TIME,
        "edited_at": None,
        "deleted_at": None,
    }


def belongs(stage: Stage, last_seq: int, read_seq: int) -> dict[str, Any]:
    place = {"visible_from_seq": 1, "last_seq": last_seq, "read_seq": read_seq}
    return {"id": stage.group, "kind": "group", "epoch": stage.epoch, **place}


def memberships(user: str) -> Asked:
    return Asked(MEMBERSHIPS.removeprefix("GET ").format(id=user), None, "gateway", "messages")


def belonging(user: str, version: Any, *conversations: Any) -> dict[str, Any]:
    return {"v": 1} | belonging_of(user, version, *conversations)


def belonging_of(user: str, version: Any, *conversations: Any) -> dict[str, Any]:
    return {"user": user, "membership_version": version, "conversations": list(conversations)}


def part_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer as a part of another one."""
    return {name: value for name, value in answer.items() if name != "v"}


EXCHANGES: list[Exchange[Stage]] = [
    Exchange("a message is posted", BATCH, send, lambda s: results(posted(s, 3))),
    Exchange(
        "a repeat is answered with the first",
        BATCH,
        lambda s: send(s, body="another"),
        lambda s: results(posted(s, 3, created=False)),
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange(
        "results come in the order of the items, each person's in their own name",
        BATCH,
        lambda s: post(
            BATCH,
            {
                "tokens": [s.ada.token, s.grace.token],
                "items": [
                    {"token": 1, "client_id": FIRST, "conversation": s.group, "body": "one"},
                    {"token": 0, "client_id": FIRST, "conversation": s.group, "body": "two"},
                    {"token": 0, "client_id": SECOND, "conversation": s.group, "body": "three"},
                ],
            },
        ),
        lambda s: results(posted(s, 3), posted(s, 4), posted(s, 5, SECOND)),
    ),
    Exchange(
        "a stranger's message is refused",
        BATCH,
        lambda s: send(s, s.linus.token),
        lambda _: results(refused("not_found")),
    ),
    Exchange(
        "so is one for a conversation that there is not",
        BATCH,
        lambda s: send(s, conversation=NOBODY),
        lambda _: results(refused("not_found")),
    ),
    Exchange(
        "a bad token fails its items",
        BATCH,
        lambda s: send(s, "rubbish"),
        lambda _: results(refused("unauthenticated")),
    ),
    Exchange(
        "an expired one says so",
        BATCH,
        lambda s: send(s, s.expired_token()),
        lambda _: results(refused("token_expired")),
    ),
    Exchange(
        "an item must name its token", BATCH, lambda s: send(s, token=1), lambda _: results(refused("unauthenticated"))
    ),
    Exchange("a blank message is refused", BATCH, lambda s: send(s, body=" \n"), lambda _: results(refused("invalid"))),
    Exchange("so is one too long", BATCH, lambda s: send(s, body="x" * 8_001), lambda _: results(refused("invalid"))),
    Exchange(
        "so is one without a client_id", BATCH, lambda s: send(s, client_id="1"), lambda _: results(refused("invalid"))
    ),
    Exchange(
        "an empty batch has no results", BATCH, lambda _: post(BATCH, {"tokens": [], "items": []}), lambda _: results()
    ),
    Exchange(
        "a batch without items is none",
        BATCH,
        lambda _: post(BATCH, {"tokens": []}),
        lambda _: problem(400, "invalid", "items"),
        status=400,
    ),
    Exchange("a marker moves", READS, lambda s: mark(s, 2, "ada"), lambda _: results({"ok": True, "read_seq": 2})),
    Exchange("not past the end", READS, lambda s: mark(s, 99), lambda _: results({"ok": True, "read_seq": 2})),
    Exchange(
        "and never back",
        READS,
        lambda s: mark(s, 1, "ada"),
        lambda _: results({"ok": True, "read_seq": 3}),
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange("a stranger has no marker", READS, lambda s: mark(s, 1, "linus"), lambda _: results(refused("not_found"))),
    Exchange(
        "somebody belongs to what they were added to",
        MEMBERSHIPS,
        lambda s: memberships(s.grace.id),
        lambda s: belonging(s.grace.id, 1, belongs(s, 3, 2)),
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange(
        "several people are answered as each alone, in the order given",
        MANY,
        lambda s: post(MANY, {"users": [NOBODY, s.grace.id, s.ada.id]}),
        lambda s: {
            "v": 1,
            "memberships": [
                part_of(belonging(NOBODY, 0)),
                part_of(belonging(s.grace.id, 1, belongs(s, 3, 2))),
                part_of(belonging(s.ada.id, 1, belongs(s, 3, 3))),
            ],
        },
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange(
        "posting reads",
        MEMBERSHIPS,
        lambda s: memberships(s.ada.id),
        lambda s: belonging(s.ada.id, 1, belongs(s, 3, 3)),
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange(
        "who was removed belongs to nothing, and the version says that it changed",
        MEMBERSHIPS,
        lambda s: memberships(s.grace.id),
        lambda s: belonging(s.grace.id, 2),
        before=lambda s: s.remove("grace"),
    ),
    Exchange(
        "who is unknown belongs to nothing", MEMBERSHIPS, lambda _: memberships(NOBODY), lambda _: belonging(NOBODY, 0)
    ),
    Exchange(
        "many are answered in the order asked",
        OF_MANY,
        lambda s: post(OF_MANY, {"users": [s.grace.id, NOBODY, s.ada.id]}),
        lambda s: {
            "v": 1,
            "memberships": [
                belonging_of(s.grace.id, 1, belongs(s, 2, 2)),
                belonging_of(NOBODY, 0),
                belonging_of(s.ada.id, 1, belongs(s, 2, 1)),
            ],
        },
    ),
    Exchange(
        "not more than two hundred at once",
        OF_MANY,
        lambda s: post(OF_MANY, {"users": [s.ada.id] * 201}),
        lambda _: problem(400, "invalid", "users"),
        status=400,
    ),
    Exchange(
        "a range is the frames after its cursor",
        RANGES,
        lambda s: part(s, 1, 500),
        lambda s: {
            "v": 1,
            "ranges": [
                {
                    "conversation": s.group,
                    "epoch": s.epoch,
                    "last_seq": 3,
                    "expired": False,
                    "bodies": [
                        event(
                            s, 2, "member.added", s.ada.id, {"user_id": s.grace.id, "username": TEXT, "role": "member"}
                        ),
                        event(s, 3, "message.created", s.ada.id, message(s, 3, "hello")),
                    ],
                }
            ],
        },
        before=lambda s: s.say("ada", "hello", FIRST),
    ),
    Exchange(
        "up to its limit",
        RANGES,
        lambda s: part(s, 0, 1),
        lambda s: {
            "v": 1,
            "ranges": [{"conversation": s.group, "epoch": s.epoch, "last_seq": 2, "expired": False, "bodies": [TEXT]}],
        },
    ),
    Exchange(
        "a range of what there is not is empty",
        RANGES,
        lambda s: part(s, 0, 500, NOBODY),
        lambda _: {
            "v": 1,
            "ranges": [{"conversation": NOBODY, "epoch": None, "last_seq": 0, "expired": False, "bodies": []}],
        },
    ),
    Exchange(
        "a range needs a cursor",
        RANGES,
        lambda s: post(RANGES, {"ranges": [{"conversation": s.group}]}),
        lambda _: problem(400, "invalid", "after"),
        status=400,
    ),
    Exchange(
        "heads and versions are of what there is",
        HEADS,
        lambda s: post(HEADS, {"conversations": [s.group, NOBODY], "users": [s.ada.id, NOBODY]}),
        lambda s: {
            "v": 1,
            "heads": {s.group: {"last_seq": 2, "epoch": s.epoch}},
            "membership_versions": {s.ada.id: 1},
        },
    ),
    *(
        Exchange(says, call, asks, lambda _: problem(404, "not_found"), status=404)
        for call in (BATCH, READS, OF_MANY, RANGES, HEADS)
        for says, asks in (
            ("without a service token there is nothing", lambda _, call=call: post(call, {}, None)),
            ("for another service there is nothing", lambda _, call=call: post(call, {}, "auth")),
            (
                "through the API gateway there is nothing",
                lambda _, call=call: post(call, {}, through_the_api_gateway=True),
            ),
        )
    ),
    *(
        Exchange(
            "what is no object is malformed",
            call,
            lambda _, call=call: post(call, b"[]"),
            lambda _: problem(400, "malformed"),
            status=400,
        )
        for call in (BATCH, READS, OF_MANY, RANGES, HEADS)
    ),
]
