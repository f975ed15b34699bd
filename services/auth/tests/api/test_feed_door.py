"""The short way of the question whether the feed has grown answers as the long one does, and answers nobody else."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from api_client import Person
from django.db import connection

from auth_service import wsgi
from auth_service.accounts.api.feed_door import FeedDoor

# Django's own handler closes connections around a request, so what is asked of it here must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/internal/changes/"


class Knocking:
    """Calls the service as gunicorn does, and knows whether Django was asked."""

    def __init__(self) -> None:
        self.asked_django = 0
        self._door = FeedDoor(self._django)

    def _django(self, environ: Any, start_response: Any) -> Any:
        self.asked_django += 1
        return wsgi.django_application(environ, start_response)

    def __call__(self, token: str | None, query: str = "after=2&limit=500", **environ: Any) -> tuple[int, Any]:
        said: list[Any] = []
        given = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": PATH,
            "QUERY_STRING": query,
            "SERVER_NAME": "auth",
            "SERVER_PORT": "80",
            "wsgi.input": io.BytesIO(),
            "wsgi.url_scheme": "http",
            **({} if token is None else {"HTTP_AUTHORIZATION": f"Bearer {token}"}),
            **environ,
        }
        answer = b"".join(self._door(given, lambda status, headers: said.extend([status, dict(headers)])))
        assert said[1]["Content-Type"].startswith("application/")
        return int(said[0].split()[0]), json.loads(answer)


@pytest.fixture
def knock() -> Knocking:
    return Knocking()


@pytest.mark.parametrize("query", ["after=2&limit=500", "after=2&limit=1", "after=7&limit=500"])
@pytest.mark.parametrize("caller", ["messages", "gateway"])
def test_nothing_new_is_said_without_asking_django(
    grace: Person, knock: Knocking, service_token: Any, query: str, caller: str
) -> None:
    said = knock(service_token(caller), query)
    assert said == (200, {"v": 1, "changes": [], "latest": 2})
    assert knock.asked_django == 0
    assert knock(service_token(caller), f"limit=500&{query[: query.index('&')]}") == said
    assert knock.asked_django == 1


@pytest.mark.parametrize(
    ("query", "status", "ids"),
    [
        ("after=1&limit=500", 200, [2]),
        ("after=0&limit=1", 200, [1]),
        ("", 200, [1, 2]),
        ("after=2", 200, []),
        ("after=02&limit=500", 200, []),
        ("after=2&limit=501", 400, None),
        ("after=-1&limit=500", 400, None),
        ("after=9999999999999999999&limit=500", 400, None),
        ("after=2&limit=500&after=1", 200, [2]),
    ],
)
def test_any_other_question_goes_the_usual_way(
    grace: Person, knock: Knocking, service_token: Any, query: str, status: int, ids: list[int] | None
) -> None:
    found, answer = knock(service_token("gateway"), query)
    assert found == status
    assert ids is None or [change["id"] for change in answer["changes"]] == ids
    assert knock.asked_django == 1


@pytest.mark.parametrize(
    "stranger",
    [
        {"token": None},
        {"token": "rubbish"},
        {"HTTP_AUTHORIZATION": "Basic x"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"HTTP_X_FORWARDED_FOR": ""},
        {"REQUEST_METHOD": "POST"},
    ],
)
def test_strangers_are_refused_by_django(
    grace: Person, knock: Knocking, service_token: Any, stranger: dict[str, Any]
) -> None:
    token = stranger.pop("token", service_token("gateway"))
    status, _ = knock(token, **stranger)
    assert status in {404, 405}
    assert knock.asked_django == 1


def test_a_connection_that_was_lost_meanwhile_is_made_anew(grace: Person, knock: Knocking, service_token: Any) -> None:
    assert knock(service_token("gateway"))[0] == 200
    killer = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with killer.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    killer.close()
    assert knock(service_token("gateway"))[0] == 200
    assert knock.asked_django == 1
    assert knock(service_token("gateway"))[0] == 200
    assert knock.asked_django == 1
