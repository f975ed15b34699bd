"""The short way of a batch answers as the long one does, and takes nobody in whom that would refuse."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from api_client import JSON, Someone
from django.db import connection
from gateway_client import Gateway, item

from chatire_shared.bus import wire
from chatire_shared.bus.publisher import LayerPublisher
from messages_service import wsgi
from messages_service.internal import door

PATH = "/internal/messages/batch/"


class Knocking:
    """Calls the service as gunicorn does, and knows whether Django was asked."""

    def __init__(self) -> None:
        self.asked_django = 0
        self._door = door.Door(self._django)

    def _django(self, environ: Any, start_response: Any) -> Any:
        self.asked_django += 1
        return wsgi.django_application(environ, start_response)

    def __call__(self, token: str | None, body: bytes, *, method: str = "POST", **environ: Any) -> tuple[int, JSON]:
        said: list[Any] = []
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": PATH,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "messages",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            **({} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}),
            **environ,
        }
        answer = b"".join(self._door(given, lambda status, headers: said.extend([status, dict(headers)])))
        assert self.asked_django or int(said[1]["Content-Length"]) == len(answer)
        return int(said[0].split()[0]), json.loads(answer)


@pytest.fixture
def knock() -> Knocking:
    return Knocking()


@pytest.fixture
def body(ada: Someone) -> Callable[..., bytes]:
    """A batch of ada's."""
    group = ada.begin("group")

    def make(*texts: Any) -> bytes:
        return json.dumps({"v": 1, "tokens": [ada.token], "items": [item(0, group, text) for text in texts]}).encode()

    return make


def test_the_gateways_batch_is_posted_without_asking_django(
    knock: Knocking, gateway: Gateway, body: Callable[..., bytes]
) -> None:
    status, answer = knock(gateway.token, body("a", "", "c"))
    assert status == 200
    assert [(one["ok"], one.get("seq")) for one in answer["results"]] == [(True, 2), (False, None), (True, 3)]
    assert knock.asked_django == 0


@pytest.mark.parametrize("broken", [b"", b"[]", b"{", b'{"v": 1}', b'{"tokens": [], "items": 5}'])
def test_what_is_no_batch_is_refused_as_by_django(knock: Knocking, gateway: Gateway, broken: bytes) -> None:
    status, answer = knock(gateway.token, broken)
    usual = gateway.call("POST", PATH, broken)
    assert (status, answer["code"]) == usual.refusal
    assert {**answer, "request_id": ""} == {**usual.json, "request_id": ""}


@pytest.mark.parametrize(
    "stranger",
    [
        {"token": None},
        {"token": "rubbish"},
        {"method": "GET"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"HTTP_X_FORWARDED_FOR": ""},
        {"CONTENT_LENGTH": ""},
    ],
)
def test_who_is_not_the_gateway_goes_the_usual_way(
    knock: Knocking, gateway: Gateway, body: Callable[..., bytes], stranger: dict[str, Any]
) -> None:
    token = stranger.pop("token", gateway.token)
    status, answer = knock(token, body("a"), **stranger)
    assert knock.asked_django == 1
    assert (status, answer["code"]) in {(404, "not_found"), (400, "malformed")}


def test_a_body_over_the_limit_is_refused_unread(
    knock: Knocking, gateway: Gateway, body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MAX_BODY_BYTES", 10)
    assert knock(gateway.token, body("a"))[1]["code"] == "too_large"


@pytest.mark.django_db(transaction=True)
class TestAgainstTheRealDatabase:
    """With commits of its own."""

    def test_what_is_posted_is_committed_and_published_before_the_answer(
        self, knock: Knocking, gateway: Gateway, body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        announced: list[Any] = []
        monkeypatch.setattr(LayerPublisher, "announce", lambda _self, items: announced.extend(items))
        status, answer = knock(gateway.token, body("a", "b"))
        assert status == 200
        assert [one["seq"] for one in answer["results"]] == [2, 3]
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, topic, payload FROM outbox_row WHERE seq >= 2 ORDER BY id")
            rows = [(id_, topic, wire.decode(bytes(payload))) for id_, topic, payload in cursor.fetchall()]
        assert [(id_, topic, wire.decode(payload)) for id_, topic, payload in announced] == rows

    def test_a_connection_that_was_lost_meanwhile_is_made_anew(
        self, knock: Knocking, gateway: Gateway, body: Callable[..., bytes]
    ) -> None:
        assert knock(gateway.token, body("a"))[0] == 200
        killer = connection.copy()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with killer.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        killer.close()
        status, answer = knock(gateway.token, body("b"))
        assert (status, answer["results"][0]["ok"]) == (200, True)

    def test_a_failure_in_the_middle_leaves_no_transaction_open(
        self, knock: Knocking, gateway: Gateway, body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from messages_service.timeline.services import batches

        late = batches.POST.sql.replace("FROM new\n    UNION", "FROM new WHERE 1 / (seq - seq) = 0\n    UNION")
        broken = replace(batches.POST, name="chatire_broken", sql=late)
        with monkeypatch.context() as patch:
            patch.setattr(batches, "POST", broken)
            status, answer = knock(gateway.token, body("a"))
        assert (status, answer["results"][0]["code"]) == (200, "internal")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned(), now() = statement_timestamp()")
            assert cursor.fetchone() == (None, True)
        assert knock(gateway.token, body("b"))[1]["results"][0]["ok"]


class TestInTheLane:
    """Calls on a connection of their own, as `serving.lane` hands them over."""

    LINE = b"POST /internal/messages/batch/ HTTP/1.1"

    @staticmethod
    def lane(token: str, body: bytes, line: bytes = LINE, **headers: bytes) -> tuple[int, JSON] | None:
        given = {b"authorization": f"Bearer {token}".encode()} | {
            name.replace("_", "-").encode(): value for name, value in headers.items()
        }
        answer = wsgi.application.lane(line, given, body)
        if answer is None:
            return None
        head, _, content = answer.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(content)}".encode() in head
        return int(head.split()[1]), json.loads(content)

    def test_a_batch_is_posted(self, gateway: Gateway, body: Callable[..., bytes]) -> None:
        answer = self.lane(gateway.token, body("a", "b"))
        assert answer is not None
        assert [one["seq"] for one in answer[1]["results"]] == [2, 3]

    def test_what_is_no_batch_is_refused_as_by_django(self, gateway: Gateway) -> None:
        answer = self.lane(gateway.token, b"[]")
        assert answer is not None
        assert (answer[0], answer[1]["code"]) == gateway.call("POST", PATH, b"[]").refusal

    def test_who_is_not_the_gateway_must_go_the_usual_way(self, gateway: Gateway, body: Callable[..., bytes]) -> None:
        batch = body("a")
        assert self.lane("rubbish", batch) is None
        assert self.lane(gateway.token, batch, line=b"POST /internal/heads/ HTTP/1.1") is None
        assert self.lane(gateway.token, batch, x_forwarded_for=b"203.0.113.7") is None
