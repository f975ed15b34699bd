"""The short way of a post answers as the long one does, and takes nothing that it doesn't understand."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from api_client import JSON, Someone
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from messages_service import wsgi
from messages_service.identity import REVOCATIONS, verifier
from messages_service.timeline import limits
from messages_service.timeline.api import door, posting

CHANGES = {"request_id", "id", "seq", "client_id", "created_at"}
"""What differs between two posts, or two answers, of the same."""


class Doors:
    """Calls the service as gunicorn does, by the door and past it, and knows which way a call has gone."""

    def __init__(self) -> None:
        self.asked_django = 0
        self._door = door.PostDoor(self._django)

    def _django(self, environ: Any, start_response: Any) -> Any:
        self.asked_django += 1
        return wsgi.django_application(environ, start_response)

    def short(self, path: str, body: bytes, **environ: Any) -> tuple[int, dict[str, str], JSON]:
        return self._call(self._door, path, body, environ)

    def long(self, path: str, body: bytes, **environ: Any) -> tuple[int, dict[str, str], JSON]:
        return self._call(wsgi.django_application, path, body, environ)

    @staticmethod
    def _call(application: Any, path: str, body: bytes, environ: Any) -> tuple[int, dict[str, str], JSON]:
        said: list[Any] = []
        given = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "messages",
            "SERVER_PORT": "80",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_X_FORWARDED_FOR": "203.0.113.7",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            **environ,
        }
        with kept_connection():
            response = application(given, lambda status, headers: said.extend([status, dict(headers)]))
            answer = b"".join(response)
        headers: dict[str, str] = said[1]
        assert headers.pop("Content-Length", str(len(answer))) == str(len(answer))
        assert headers.pop("X-Request-ID")
        return int(said[0].split()[0]), headers, json.loads(answer)


@pytest.fixture
def doors() -> Doors:
    return Doors()


@contextmanager
def kept_connection() -> Iterator[None]:
    """Keep the connection that the test's transaction is in, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.fixture
def said(ada: Someone) -> JSON:
    """A message of ada's in a group of hers; her token is known from now on."""
    return ada.say(ada.begin("group"), "hello")


def path_of(said: JSON) -> str:
    return f"/api/conversations/{said['conversation']}/messages/"


def body_of(**fields: Any) -> bytes:
    return json.dumps({"client_id": str(uuid4()), "body": "x", **fields}).encode()


def alike(short: tuple[int, dict[str, str], JSON], long: tuple[int, dict[str, str], JSON]) -> bool:
    def bare(answer: tuple[int, dict[str, str], JSON]) -> tuple[Any, ...]:
        status, headers, body = answer
        return status, headers, {name: value for name, value in body.items() if name not in CHANGES}, body.keys()

    return bare(short) == bare(long)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"body": "*mark* <b> down \u2028 é 😀"},
        {"reply_to": None},
        {"body": ""},
        {"body": " \n"},
        {"body": "x" * 8_001},
        {"reply_to": str(uuid4())},
    ],
)
def test_a_post_goes_the_short_way_and_is_answered_as_by_the_long_one(
    doors: Doors, ada: Someone, said: JSON, fields: JSON
) -> None:
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}"}
    short = doors.short(path_of(said), body_of(**fields), **given)
    assert doors.asked_django == 0
    assert alike(short, doors.long(path_of(said), body_of(**fields), **given))


def test_what_it_answers_to_is_stored(doors: Doors, ada: Someone, said: JSON) -> None:
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}", "HTTP_X_REQUEST_ID": "a-request-of-mine"}
    body = body_of(body="hi", reply_to=said["id"])
    status, _, message = doors.short(path_of(said), body, **given)
    assert (status, message["seq"], message["reply_to"]) == (201, said["seq"] + 1, said["id"])
    again = doors.short(path_of(said), body, **given)
    assert (again[0], again[2]) == (200, message)
    assert doors.asked_django == 0
    page = ada.get(path_of(said)).json
    assert [each["body"] for each in page["messages"]] == ["hello", "hi"]


def test_to_a_stranger_the_conversation_does_not_exist(doors: Doors, mallory: Someone, said: JSON) -> None:
    verifier().verify(mallory.token)
    given = {"HTTP_AUTHORIZATION": f"Bearer {mallory.token}"}
    short = doors.short(path_of(said), body_of(), **given)
    assert (short[0], doors.asked_django) == (404, 0)
    assert alike(short, doors.long(path_of(said), body_of(), **given))


def test_who_posts_too_much_is_told_so_by_either(
    doors: Doors, ada: Someone, said: JSON, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}"}
    refused = limits.Decision(allowed=False, retry_after_seconds=3.0)
    monkeypatch.setattr(posting, "spend_posts", lambda senders: [refused] * len(senders))
    short = doors.short(path_of(said), body_of(), **given)
    assert (short[0], short[1]["Retry-After"], doors.asked_django) == (429, "3", 0)
    assert alike(short, doors.long(path_of(said), body_of(), **given))


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        (b"", {}),
        (b"{", {}),
        (b"[]", {}),
        (b'{"client_id": 5, "body": "x"}', {}),
        (b'{"body": "x"}', {}),
        (body_of(body=None), {}),
        (body_of(body="a\0b"), {}),
        (body_of(reply_to="x"), {}),
        (body_of(more=1), {}),
        (body_of(attachment_ids=[str(uuid4())]), {}),
        (b'{"body": "x", "body": "y"}', {}),
        (body_of(), {"CONTENT_TYPE": "text/plain"}),
        (body_of(), {"CONTENT_LENGTH": ""}),
        (body_of(), {"CONTENT_LENGTH": "-1"}),
        (body_of(), {"CONTENT_LENGTH": "5"}),
        (body_of(body="x" * 70_000), {}),
        (body_of(), {"REQUEST_METHOD": "PUT"}),
        (body_of(), {"HTTP_AUTHORIZATION": "Bearer rubbish"}),
        (body_of(), {"HTTP_AUTHORIZATION": "Basic YTpi"}),
    ],
)
def test_all_else_goes_the_long_way(
    doors: Doors, ada: Someone, said: JSON, body: bytes, environ: dict[str, Any]
) -> None:
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}", **environ}
    short = doors.short(path_of(said), body, **given)
    assert doors.asked_django == 1
    assert alike(short, doors.long(path_of(said), body, **given))


@pytest.mark.parametrize(
    "path", ["/api/conversations/x/messages/", "/api/conversations/", "/api/messages/{id}/", "/internal/messages/"]
)
def test_other_paths_go_the_long_way(doors: Doors, ada: Someone, said: JSON, path: str) -> None:
    doors.short(path.replace("{id}", said["id"]), body_of(), HTTP_AUTHORIZATION=f"Bearer {ada.token}")
    assert doors.asked_django == 1


def test_a_token_that_was_not_seen_before_goes_the_long_way_once(doors: Doors, ada: Someone, said: JSON) -> None:
    verifier().forget()
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}"}
    assert [doors.short(path_of(said), body_of(), **given)[0] for _ in range(3)] == [201] * 3
    assert doors.asked_django == 1


def test_a_session_that_ended_is_out_at_once(doors: Doors, ada: Someone, said: JSON) -> None:
    ended = {"user_id": str(ada.id), "session_id": str(ada.session)}
    REVOCATIONS.apply({"id": 1, "kind": "session.revoked", "data": ended})
    given = {"HTTP_AUTHORIZATION": f"Bearer {ada.token}"}
    short = doors.short(path_of(said), body_of(), **given)
    assert (short[0], short[2]["code"]) == (401, "token_revoked")
