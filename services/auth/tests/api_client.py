"""A client that speaks the public contract, and people to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.test import Client

PASSWORD = "correct horse battery staple"
ORIGIN = "http://localhost:8000"
THROUGH_THE_GATEWAY = {"X-Forwarded-For": "203.0.113.7"}


class Answer:
    """An answer, whatever it is made of."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.cookies = response.cookies
        self.text: str = response.content.decode()
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
    def field_codes(self) -> dict[str, str]:
        """The refused fields and why."""
        return {error["field"]: error["code"] for error in self.json.get("errors", [])}

    @property
    def sameness(self) -> tuple[Any, ...]:
        """All that a caller could tell two answers apart by, but for the request id."""
        body = {name: value for name, value in (self.json or {}).items() if name != "request_id"}
        headers = {name: value for name, value in self.headers.items() if name != "X-Request-ID"}
        return self.status, body, headers


class Api:
    """Calls the service like the API gateway does."""

    def __init__(self) -> None:
        self._client = Client()

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Answer:
        """Send `body` as JSON (bytes as they are); `headers` in keyword form, `X_Forwarded_For`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        path = path if path.startswith("/") else f"/api/auth/{path}"
        kind = given.pop("Content-Type", "application/json")
        self._client.cookies.clear()
        return Answer(self._client.generic(method, path, data, content_type=kind, headers=given))

    def get(self, path: str, **rest: Any) -> Answer:
        return self.call("GET", path, **rest)

    def post(self, path: str, body: Any = None, **rest: Any) -> Answer:
        return self.call("POST", path, body, **rest)

    def patch(self, path: str, body: Any = None, **rest: Any) -> Answer:
        return self.call("PATCH", path, body, **rest)

    def delete(self, path: str, **rest: Any) -> Answer:
        return self.call("DELETE", path, **rest)

    def register(self, username: str, **more: Any) -> Person:
        """Register somebody."""
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD, **more}
        answer = self.post("register/", body)
        assert answer.status == 201, answer.text
        return Person(self, answer.json["user"], answer.json["access"], answer.json["refresh"])

    def sign_in(self, username: str, password: str = PASSWORD) -> Person:
        """Sign somebody in."""
        answer = self.post("token/", {"username": username, "password": password})
        assert answer.status == 200, answer.text
        return Person(self, answer.json["user"], answer.json["access"], answer.json["refresh"])


@dataclass
class Person:
    """Somebody signed in, on one device."""

    api: Api
    account: dict[str, Any]
    access: str
    refresh: str

    @property
    def id(self) -> UUID:
        return UUID(self.account["id"])

    @property
    def username(self) -> str:
        return str(self.account["username"])

    def get(self, path: str, **rest: Any) -> Answer:
        return self.api.get(path, token=self.access, **rest)

    def post(self, path: str, body: Any = None, **rest: Any) -> Answer:
        return self.api.post(path, body, token=self.access, **rest)

    def patch(self, path: str, body: Any = None, **rest: Any) -> Answer:
        return self.api.patch(path, body, token=self.access, **rest)

    def delete(self, path: str, **rest: Any) -> Answer:
        return self.api.delete(path, token=self.access, **rest)

    def spend(self, refresh: str | None = None) -> Answer:
        """Use a refresh token: this one's, or another."""
        return self.api.post("token/refresh/", {"refresh": refresh or self.refresh})


@dataclass
class Clock:
    """A time that the test moves."""

    now: Any

    def __call__(self, _zone: Any = None) -> Any:
        return self.now
