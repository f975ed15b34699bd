"""A client that speaks the public contract, and people to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.test import Client
from settings import AUTH

from chatire_shared.bus import wire

JSON = dict[str, Any]


class Answer:
    """An answer of the service; never an internal error, never a page, and reading a problem checks its form."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.text: str = response.content.decode()
        assert self.status != 500, self.text
        assert self.headers["X-Request-ID"]
        if self.text:
            expected = "application/json" if self.status < 400 else "application/problem+json"
            assert self.headers["Content-Type"] == expected
        self.json: Any = json.loads(self.text) if self.text else None

    @property
    def code(self) -> str | None:
        """The problem's code; also checks that it is a problem of the form that the contract promises."""
        if self.status < 400:
            return None
        assert self.headers["Content-Type"] == "application/problem+json"
        assert self.json.keys() - {"errors"} == {"type", "title", "status", "code", "detail", "request_id"}
        assert self.json["status"] == self.status
        assert self.json["request_id"] == self.headers["X-Request-ID"]
        return str(self.json["code"])

    @property
    def refusal(self) -> tuple[int, str | None]:
        """Status and code."""
        return self.status, self.code

    @property
    def field_codes(self) -> dict[str, str]:
        """The refused fields and why."""
        return {error["field"]: error["code"] for error in self.json.get("errors", [])}

    def refuses(self, field: str, code: str | None = None) -> bool:
        """Whether the request was refused as invalid for this field (and this reason)."""
        assert self.refusal == (400, "invalid"), self.text
        assert field in self.field_codes, self.text
        return code is None or self.field_codes[field] == code

    @property
    def sameness(self) -> tuple[Any, ...]:
        """All that a caller could tell two answers apart by, but for the request id."""
        body = {name: value for name, value in (self.json or {}).items() if name != "request_id"}
        headers = {name: value for name, value in self.headers.items() if name != "X-Request-ID"}
        return self.status, body, headers


def call(method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Answer:
    """Send `body` as JSON (bytes as they are); `headers` in keyword form, `X_Forwarded_For`."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    path = path if path.startswith("/") else f"/api/{path}"
    kind = given.pop("Content-Type", "application/json")
    return Answer(Client(raise_request_exception=False).generic(method, path, data, content_type=kind, headers=given))


@dataclass(frozen=True)
class Someone:
    """Somebody signed in."""

    id: UUID
    username: str
    token: str
    session: UUID = field(default_factory=uuid4)

    @property
    def display_name(self) -> str:
        return self.username.title()

    @property
    def named(self) -> dict[str, str]:
        """As messages and member lists name them."""
        return {"id": str(self.id), "username": self.username, "display_name": self.display_name}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return call(method, path, body, token=self.token, **headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, **headers)

    def begin(self, kind: str = "group", *others: Someone, **more: Any) -> JSON:
        """Create a conversation."""
        title = {"title": "Library"} if kind == "channel" else {}
        body = {"kind": kind, **title, "member_ids": [str(other.id) for other in others], **more}
        answer = self.post("conversations/", body)
        assert answer.status == 201, answer.text
        return dict(answer.json)

    def say(self, conversation: JSON, body: str, **more: Any) -> JSON:
        """Post a message."""
        fields = {"client_id": str(uuid4()), "body": body, **more}
        answer = self.post(f"conversations/{conversation['id']}/messages/", fields)
        assert answer.status == 201, answer.text
        return dict(answer.json)

    def sees(self, conversation: JSON) -> JSON:
        """The conversation as it is now."""
        answer = self.get(f"conversations/{conversation['id']}/")
        assert answer.status == 200, answer.text
        return dict(answer.json)

    def log(self, conversation: JSON, after: int = 0) -> list[JSON]:
        """The events after a cursor."""
        answer = self.get(f"conversations/{conversation['id']}/events/?after={after}&limit=500")
        assert answer.status == 200, answer.text
        return list(answer.json["events"])

    def history(self, conversation: JSON, query: str = "") -> list[JSON]:
        """A page of messages."""
        answer = self.get(f"conversations/{conversation['id']}/messages/?{query}")
        assert answer.status == 200, answer.text
        return list(answer.json["messages"])

    def bodies(self, conversation: JSON, query: str = "") -> list[str | None]:
        """What a page of messages says."""
        return [message["body"] for message in self.history(conversation, query)]

    def add(self, conversation: JSON, *others: Someone) -> Answer:
        path = f"conversations/{conversation['id']}/members/"
        return self.post(path, {"user_ids": [str(other.id) for other in others]})

    def remove(self, conversation: JSON, other: Someone) -> Answer:
        return self.delete(f"conversations/{conversation['id']}/members/{other.id}/")

    def make(self, conversation: JSON, other: Someone, role: str) -> Answer:
        return self.patch(f"conversations/{conversation['id']}/members/{other.id}/", {"role": role})


def sign_in(user_id: UUID, username: str) -> Someone:
    """Somebody with a fresh session."""
    session = uuid4()
    return Someone(user_id, username, AUTH.mint.access(user_id, username, sid=str(session)), session)


def outbox(stream: object | None = None) -> list[JSON]:
    """What waits to be published, in order: the layer's messages with their `topic`; `body` parsed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT stream, topic, seq, payload FROM outbox_row ORDER BY id")
        rows = cursor.fetchall()
    return [_note(topic, payload) for its, topic, _, payload in rows if stream is None or str(its) == str(stream)]


def _note(topic: str, payload: Any) -> JSON:
    message = {**wire.decode(bytes(payload)), "topic": topic}
    return {**message, "body": json.loads(message["body"])} if "body" in message else message
