"""Callers of the service over HTTP: people with an access token, the gateway with a service token, strangers without."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.test import Client

from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.testing.tokens import TokenMint

Json = dict[str, Any]


def problem(answer: Any, status: int, code: str) -> Json:
    """The problem details of a refusal; fails for any other answer."""
    assert answer.status_code == status, (answer.status_code, answer.content[:500])
    assert answer["Content-Type"] == "application/problem+json"
    body: Json = json.loads(answer.content)
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["code"] == code, body
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer["X-Request-ID"]
    return body


def field_problem(answer: Any, field: str, code: str | None = None) -> None:
    """Fail unless the answer is 400 `invalid` and names the field (and the code, when one is given)."""
    errors = problem(answer, 400, "invalid")["errors"]
    found = {error["field"]: error["code"] for error in errors}
    assert field in found, errors
    assert code is None or found[field] == code, errors


def without_request_id(answer: Any) -> tuple[int, bytes, str]:
    """All that tells one refusal from another."""
    return (
        answer.status_code,
        answer.content.replace(answer["X-Request-ID"].encode(), b"-"),
        answer["Content-Type"],
    )


class Caller:
    """Somebody who sends requests; every answer is checked to be JSON and no internal error."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token
        self._client = Client(raise_request_exception=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        content_type: str = "application/json",
        **headers: str,
    ) -> HttpResponse:
        """Send a request: `body` as JSON, or `data` as it is."""
        if data is None:
            data = b"" if body is None else json.dumps(body).encode()
        if self.token is not None:
            headers = {"authorization": f"Bearer {self.token}", **headers}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._client.generic(method, path, data, content_type=content_type, headers=named)
        assert answer.status_code != 500, answer.content
        assert answer["X-Request-ID"]
        assert answer["X-Content-Type-Options"] == "nosniff"
        if answer.status_code != 204:
            expected = "application/json" if answer.status_code < 400 else "application/problem+json"
            assert answer["Content-Type"] == expected, answer["Content-Type"]
        return answer

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path)


class Someone(Caller):
    """A person with an account, as themselves."""

    def __init__(self, mint: TokenMint, name: str, user_id: UUID) -> None:
        self.name = name
        self.user_id = user_id
        self.id = str(user_id)
        self.shape = {"id": self.id, "username": name, "display_name": name.title()}
        super().__init__(mint.access(user_id, name))

    def fetch(self, path: str) -> Json:
        """What is there; fails for a refusal."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.content
        body: Json = json.loads(answer.content)
        return body

    def begin(self, kind: str = "group", *others: Someone, **fields: Any) -> Json:
        """Begin a conversation."""
        if kind == "channel":
            fields.setdefault("title", "harbour")
        body = {"kind": kind, "member_ids": [other.id for other in others], **fields}
        answer = self.post("/api/conversations/", body)
        assert answer.status_code in {200, 201}, answer.content
        conversation: Json = json.loads(answer.content)
        return conversation

    def say(self, conversation: Json, body: str = "hello", **fields: Any) -> Json:
        """Post a message."""
        fields = {"client_id": str(uuid4()), "body": body, **fields}
        answer = self.post(f"/api/conversations/{conversation['id']}/messages/", fields)
        assert answer.status_code in {200, 201}, answer.content
        message: Json = json.loads(answer.content)
        return message

    def events(self, conversation: Json, after: int = 0, limit: int = 500) -> list[Json]:
        """The log after a cursor."""
        page = self.fetch(f"/api/conversations/{conversation['id']}/events/?after={after}&limit={limit}")
        events: list[Json] = page["events"]
        return events

    def overview(self, conversation: Json) -> Json:
        return self.fetch(f"/api/conversations/{conversation['id']}/")

    def members(self, conversation: Json) -> dict[str, str]:
        """Roles by username."""
        members = self.fetch(f"/api/conversations/{conversation['id']}/members/")["members"]
        return {member["user"]["username"]: member["role"] for member in members}

    def make(self, other: Someone, role: str, conversation: Json) -> None:
        """Give somebody a role."""
        answer = self.patch(f"/api/conversations/{conversation['id']}/members/{other.id}/", {"role": role})
        assert answer.status_code == 200, answer.content

    def remove(self, other: Someone, conversation: Json) -> None:
        """Remove somebody, or leave."""
        answer = self.delete(f"/api/conversations/{conversation['id']}/members/{other.id}/")
        assert answer.status_code == 204, answer.content


class Gateway(Caller):
    """The realtime gateway."""

    def __init__(self, signer: ServiceSigner) -> None:
        super().__init__(signer.token_for("messages"))

    def ask(self, path: str, body: Json | None = None) -> Json:
        """The answer of an internal call; fails for a refusal."""
        answer = self.get(path) if body is None else self.post(path, body)
        assert answer.status_code == 200, answer.content
        found: Json = json.loads(answer.content)
        assert found.pop("v") == 1
        return found

    def batch(self, tokens: list[Any], items: list[Any]) -> list[Json]:
        results: list[Json] = self.ask("/internal/messages/batch/", {"v": 1, "tokens": tokens, "items": items})[
            "results"
        ]
        return results


def item(token: int, conversation: Json, body: str = "hello", **fields: Any) -> Json:
    """An item of a batch."""
    return {"token": token, "client_id": str(uuid4()), "conversation": conversation["id"], "body": body, **fields}
