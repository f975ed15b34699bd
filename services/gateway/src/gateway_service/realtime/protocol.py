"""Client frames of chatire.v1, parsed strictly (protocol.md section 5). Pure: text in, a frame or a refusal out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from chatire_shared.contracts.errors import Invalid, Malformed
from chatire_shared.contracts.ids import is_canonical_uuid, is_recurring_uuid
from chatire_shared.contracts.strict_json import loads

SUBPROTOCOL = "chatire.v1"
MAX_FRAME_BYTES = 131_072
MAX_BODY_CODE_POINTS = 8_000
MAX_CURSORS = 500
MAX_WATCHED = 200
MAX_ATTACHMENTS = 100
MAX_TOKEN_CHARS = 8_192
MAX_INTEGER = 2**63 - 1

_TYPING_STATE = re.compile(r"[a-z_]{1,16}")


@dataclass(frozen=True, slots=True)
class Auth:
    """Says who the socket belongs to; the first frame, or a fresh token later. `cursors` is None when left out."""

    token: str
    cursors: Mapping[str, int] | None
    epochs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resume:
    """Restarts conversations at the given cursors."""

    cursors: Mapping[str, int]
    epochs: Mapping[str, str]


class Send(NamedTuple):
    """Posts a message; `id` is its `client_id`."""

    id: str
    conversation: str
    body: str
    reply_to: str | None
    attachment_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """Marks a conversation as read up to `seq`."""

    conversation: str
    seq: int


@dataclass(frozen=True, slots=True)
class Typing:
    """Tells the others that one types, or stopped."""

    conversation: str
    state: bool | str


@dataclass(frozen=True, slots=True)
class Watch:
    """Asks for the presence of these users."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a `pong` with the same `n`."""

    n: int


ClientFrame = Auth | Resume | Send | Read | Typing | Watch | Ping


@dataclass(frozen=True, slots=True)
class Refusal:
    """A frame that is answered by `error` `invalid`; `id` is that of the `send`, when there was one."""

    detail: str
    id: str | None = None


def parse(text: str) -> ClientFrame | Refusal:
    """The frame in `text`, or why it is refused.

    Raises:
        Malformed: not one JSON object, or what HTTP calls malformed; the socket is closed with 4400.
    """
    try:
        value = loads(text)
    except Invalid as error:
        return Refusal(f"The field {error.errors[0].field!r} is there twice; send each field once.", _id_of(text))
    if not isinstance(value, dict):
        raise Malformed
    return _plain(value) or _from_object(value)


def _from_object(value: dict[str, Any]) -> ClientFrame | Refusal:
    kind = value.pop("type", None)
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    try:
        if reader is None:
            return Refusal("The type of this frame is unknown; see docs/protocol.md.", _sane_id(value))
        fields = _Fields(value)
        frame = reader(fields)
        fields.require_all_read()
    except _RefusedError as refused:
        return Refusal(str(refused), _sane_id(value))
    return frame


class _RefusedError(Exception):
    pass


class _Fields:
    """The fields of one object, each to be read once."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._value = value
        self._read: set[str] = set()

    def required(self, name: str, check: Callable[[Any], bool], expected: str) -> Any:
        self._read.add(name)
        if name not in self._value:
            message = f"The field {name!r} is missing; send {expected}."
            raise _RefusedError(message)
        value = self._value[name]
        if not check(value):
            message = f"The field {name!r} must be {expected}."
            raise _RefusedError(message)
        return value

    def optional(self, name: str, check: Callable[[Any], bool], expected: str, default: Any = None) -> Any:
        self._read.add(name)
        return self.required(name, check, expected) if name in self._value else default

    def require_all_read(self) -> None:
        unknown = sorted(self._value.keys() - self._read)
        if unknown:
            message = f"The field {unknown[0][:64]!r} is unknown; leave it out."
            raise _RefusedError(message)


def is_integer(value: object) -> bool:
    """Whether `value` is a JSON integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -MAX_INTEGER - 1 <= value <= MAX_INTEGER


def is_seq(value: object) -> bool:
    """Whether `value` can be the seq of an event, or 0 for "none yet"."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def is_body(value: object) -> bool:
    """Whether `value` is a message body: 1 to 8,000 code points, one of them no white space, none of them NUL."""
    return isinstance(value, str) and len(value) <= MAX_BODY_CODE_POINTS and bool(value.strip()) and "\x00" not in value


def is_typing_state(value: object) -> bool:
    """Whether `value` can be the state of a `typing` frame: true, false or a short word."""
    return isinstance(value, bool) or (isinstance(value, str) and _TYPING_STATE.fullmatch(value) is not None)


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARS


def _is_id_or_null(value: object) -> bool:
    return value is None or is_canonical_uuid(value)


def _is_map_of(check: Callable[[object], bool]) -> Callable[[object], bool]:
    def is_map(value: object) -> bool:
        return (
            isinstance(value, dict)
            and len(value) <= MAX_CURSORS
            and all(is_canonical_uuid(key) and check(item) for key, item in value.items())
        )

    return is_map


def _is_list_of_ids(longest: int) -> Callable[[object], bool]:
    def is_list(value: object) -> bool:
        return isinstance(value, list) and len(value) <= longest and all(is_canonical_uuid(item) for item in value)

    return is_list


_UUID = "a UUID in canonical lower-case form"
_CURSORS = f"an object of at most {MAX_CURSORS} conversation ids, each with a seq"
_EPOCHS = f"an object of at most {MAX_CURSORS} conversation ids, each with its epoch"
_BODY = f"text of 1 to {MAX_BODY_CODE_POINTS} characters, not all of them white space, without NUL"


def _auth(fields: _Fields) -> Auth:
    return Auth(
        token=fields.required("token", _is_token, "an access token"),
        cursors=fields.optional("cursors", _is_map_of(is_seq), _CURSORS),
        epochs=fields.optional("epochs", _is_map_of(is_canonical_uuid), _EPOCHS, {}),
    )


def _resume(fields: _Fields) -> Resume:
    return Resume(
        cursors=fields.required("cursors", _is_map_of(is_seq), _CURSORS),
        epochs=fields.optional("epochs", _is_map_of(is_canonical_uuid), _EPOCHS, {}),
    )


def _send(fields: _Fields) -> Send:
    return Send(
        id=fields.required("id", is_canonical_uuid, _UUID),
        conversation=fields.required("conversation", is_canonical_uuid, _UUID),
        body=fields.required("body", is_body, _BODY),
        reply_to=fields.optional("reply_to", _is_id_or_null, f"{_UUID}, or null"),
        attachment_ids=tuple(
            fields.optional("attachment_ids", _is_list_of_ids(MAX_ATTACHMENTS), "a list of attachment ids", ()),
        ),
    )


def _plain(value: dict[str, Any]) -> ClientFrame | None:
    """A good frame of the usual kinds with nothing but what it must have: nearly all are. None for any other."""
    kind = value.get("type")
    if kind == "send" and len(value) == 4:
        return _plain_send(value)
    if kind == "auth" and len(value) == 2 and _is_token(value.get("token")):
        return Auth(value["token"], None, {})
    if kind == "ping" and len(value) == 2 and is_integer(value.get("n")):
        return Ping(value["n"])
    return None


def _plain_send(value: dict[str, Any]) -> Send | None:
    client_id, conversation, body = value.get("id"), value.get("conversation"), value.get("body")
    if not is_canonical_uuid(client_id) or not isinstance(conversation, str) or not is_recurring_uuid(conversation):
        return None
    return Send(str(client_id), conversation, str(body), None, ()) if is_body(body) else None


def _read(fields: _Fields) -> Read:
    return Read(
        conversation=fields.required("conversation", is_canonical_uuid, _UUID),
        seq=fields.required("seq", is_seq, "a seq"),
    )


def _typing(fields: _Fields) -> Typing:
    return Typing(
        conversation=fields.required("conversation", is_canonical_uuid, _UUID),
        state=fields.required("state", is_typing_state, "true, false, or a word of 1 to 16 of a-z and _"),
    )


def _watch(fields: _Fields) -> Watch:
    users = fields.required("users", _is_list_of_ids(MAX_WATCHED), f"a list of at most {MAX_WATCHED} user ids")
    return Watch(users=tuple(users))


def _ping(fields: _Fields) -> Ping:
    return Ping(n=fields.required("n", is_integer, "an integer"))


_READERS: dict[str, Callable[[_Fields], ClientFrame]] = {
    "auth": _auth,
    "resume": _resume,
    "send": _send,
    "read": _read,
    "typing": _typing,
    "watch": _watch,
    "ping": _ping,
}


def _sane_id(value: dict[str, Any]) -> str | None:
    given = value.get("id")
    return given if is_canonical_uuid(given) else None


def _id_of(text: str) -> str | None:
    """The `id` of an object with a doubled field, read by Python's lenient parser.

    Raises:
        Malformed: it only begins like JSON (the strict parser stopped at the doubled field).
    """
    try:
        value = json.loads(text)
    except ValueError:
        raise Malformed from None
    return _sane_id(value) if isinstance(value, dict) else None
