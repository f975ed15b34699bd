"""SQL that composes texts of a message's event as Python composes them: made out of Python's own functions, at import.

A function is given marks for values, and what it makes of them is cut at the marks; so nobody has to keep two versions of a
shape alike. The expressions name columns and parameters of `batch_statements.POST`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chatire_shared.contracts.strict_json import dumps
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.notes import event_payload
from messages_service.timeline.rules.shapes import message_shape, sender_shape

KIND = EventKind.MESSAGE_CREATED.value


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _composed(sample: str, marks: Mapping[str, str]) -> str:
    """SQL that composes the text which Python has composed as `sample`, with expressions in the place of its marks."""
    parts = re.split("|".join(f"({re.escape(mark)})" for mark in marks), sample)
    return f"concat({', '.join(marks.get(part) or _literal(part) for part in parts if part)})"


_NUMBER, _TIME = 1 << 61, 1 << 62
"""Marks of numbers, large enough for msgpack's form of eight bytes."""
_CONVERSATION, _EPOCH = "@conversation".ljust(36, "@"), "@epoch".ljust(36, "@")
_LONG = "@" * 65_536
"""So long that msgpack gives its length in four bytes."""

MESSAGE_TEXT = _composed(
    dumps(
        message_shape(
            message_id="@id@",
            conversation=_CONVERSATION,
            seq=_NUMBER,
            client_id="@client_id@",
            sender=sender_shape("@sender@", "@username@", "@display_name@"),
            body="@body@",
            html="@html@",
            reply_to="@reply_to@",
            created_at="@at@",
        )
    ),
    {
        "@id@": "id",
        _CONVERSATION: "conversation",
        str(_NUMBER): "seq",
        "@client_id@": "client_id",
        "@sender@": "sender",
        '"@username@"': "to_json(username)",
        '"@display_name@"': "to_json(display_name)",
        '"@body@"': "to_json(body)",
        '"@html@"': "to_json(html)",
        '"@reply_to@"': "coalesce(to_json(reply_to)::text, 'null')",
        "@at@": "$2",
    },
)
"""A message as clients get it (`message_shape`): the event's `data`, to the letter."""

FRAME_TEXT = _composed(
    frame(
        event_json(
            conversation=_CONVERSATION,
            seq=_NUMBER,
            kind=KIND,
            at="@at@",
            actor="@sender@",
            request_id="@request_id@",
            data="@data@",
        )
    ),
    {
        _CONVERSATION: "conversation",
        str(_NUMBER): "seq",
        "@at@": "$2",
        "@sender@": "sender",
        '"@request_id@"': "coalesce(to_json(request_id)::text, 'null')",
        "@data@": "data",
    },
)
"""The frame that clients get of a message's event (`frames.frame`)."""


def _payload() -> str:
    """SQL of what gateways get of a message's event (`event_payload`), with its numbers in msgpack's longest form."""
    sample = event_payload(kind=KIND, conversation=_CONVERSATION, seq=_NUMBER, epoch=_EPOCH, at_us=_TIME, frame=_LONG)
    places = {
        _CONVERSATION.encode(): "convert_to(conversation::text, 'UTF8')",
        _NUMBER.to_bytes(8): "int8send(seq)",
        _EPOCH.encode(): "convert_to(epoch::text, 'UTF8')",
        _TIME.to_bytes(8): "int8send($3)",
        len(_LONG).to_bytes(4) + _LONG.encode(): "int4send(octet_length(frame)) || frame",
    }
    parts = re.split(b"|".join(b"(%b)" % re.escape(mark) for mark in places), sample)
    return " || ".join(places.get(part) or f"'\\x{part.hex()}'::bytea" for part in parts if part)


NOTE_PAYLOAD = _payload()
"""What gateways get of a message's event, `frame` being its text as bytes."""
