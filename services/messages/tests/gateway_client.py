"""The realtime gateway as this service's internal endpoints know it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from api_client import JSON, Answer, call

from chatire_shared.identity.service_tokens import ServiceSigner


class Gateway:
    """Calls internal endpoints, each with a token of now: one lives for a minute, and a test may take longer."""

    def __init__(self, signer: ServiceSigner) -> None:
        self._signer = signer

    @property
    def token(self) -> str:
        return self._signer.token_for("messages")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return call(method, path, body, token=self.token, **headers)

    def ask(self, path: str, body: JSON | None = None) -> JSON:
        """The answer without its `v`; fails for a refusal."""
        answer = self.call("GET", path) if body is None else self.call("POST", path, {"v": 1, **body})
        assert answer.status == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json.pop("v") == 1
        return dict(answer.json)

    def batch(self, tokens: list[Any], items: list[Any]) -> list[JSON]:
        return list(self.ask("/internal/messages/batch/", {"tokens": tokens, "items": items})["results"])

    def mark(self, tokens: list[Any], items: list[Any]) -> list[JSON]:
        return list(self.ask("/internal/reads/", {"tokens": tokens, "items": items})["results"])


def item(token: int, conversation: JSON, body: Any = "hello", **fields: Any) -> JSON:
    """An item of a batch."""
    return {"token": token, "client_id": str(uuid4()), "conversation": conversation["id"], "body": body, **fields}
