"""`/internal/…`: for the other services, and 404 for everybody else."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from api_client import THROUGH_THE_GATEWAY, Api, Person

from auth_service.accounts.models import Change
from auth_service.tokens.services.activation import disable_account

PATHS = ["/internal/changes/", "/internal/users/", "/internal/nope/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_nobody_else_learns_that_it_exists(ada: Person, api: Api, service_token: Any, path: str, method: str) -> None:
    from settings import SERVICES

    mint = SERVICES["messages"]
    now = int(time.time())
    claims = {"iss": "messages", "sub": "messages", "aud": "auth", "iat": now, "exp": now + 60, "jti": "x"}
    tokens = [
        None,
        ada.access,
        "rubbish",
        service_token("auth"),
        service_token("messages", "gateway"),
        mint.sign(claims, typ="at+jwt"),
        mint.sign({**claims, "exp": now + 61}, typ="svc+jwt"),
        mint.sign({**claims, "iat": now - 100, "exp": now - 40}, typ="svc+jwt"),
        mint.sign({**claims, "iss": "gateway", "sub": "gateway"}, typ="svc+jwt"),
        SERVICES["gateway"].sign(claims, typ="svc+jwt", kid="messages"),
    ]
    answers = [api.call(method, path, token=token) for token in tokens]
    answers.append(api.call(method, path, token=service_token("messages"), **_keywords(THROUGH_THE_GATEWAY)))
    unknown = api.call(method, "/internal/unknown/")

    assert all((answer.status, answer.code) == (404, "not_found") for answer in answers)
    assert all(answer.json | {"request_id": ""} == unknown.json | {"request_id": ""} for answer in answers)


def _keywords(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def test_users_are_for_messages_alone(ada: Person, api: Api, service_token: Any) -> None:
    assert api.get(f"/internal/users/?ids={ada.id}", token=service_token("gateway")).code == "not_found"
    assert api.get(f"/internal/users/?ids={ada.id}", token=service_token("messages")).status == 200


def test_a_service_token_is_no_persons_token(ada: Person, api: Api, service_token: Any) -> None:
    assert api.get("me/", token=service_token("messages")).code == "unauthenticated"


def test_the_feed_tells_everything_in_order_without_gaps(
    ada: Person, grace: Person, api: Api, service_token: Any
) -> None:
    phone = api.sign_in("grace")
    grace.patch("me/", {"display_name": "Rear Admiral"})
    disable_account(username="GRACE", now=Change.objects.latest("id").at)

    answer = api.get("/internal/changes/?after=0", token=service_token("gateway")).json
    kinds = [change["kind"] for change in answer["changes"]]
    assert kinds == [
        "user.created",
        "user.created",
        "user.updated",
        "user.disabled",
        "session.revoked",
        "session.revoked",
    ]
    assert [change["id"] for change in answer["changes"]] == [1, 2, 3, 4, 5, 6]
    assert (answer["v"], answer["latest"]) == (1, 6)
    assert answer["changes"][3]["data"] == {
        "user_id": str(grace.id), "username": "grace", "display_name": "Rear Admiral", "active": False, "role": "member"
    }  # fmt: skip
    assert answer["changes"][0].keys() == {"id", "kind", "at", "data"}
    assert phone.get("me/").code == "token_revoked"


def test_a_reader_goes_on_where_it_was(ada: Person, grace: Person, api: Api, service_token: Any) -> None:
    token = service_token("messages")
    first = api.get("/internal/changes/?after=0&limit=1", token=token).json
    rest = api.get("/internal/changes/?after=1", token=token).json
    nothing = api.get("/internal/changes/?after=2", token=token).json

    assert [[change["id"] for change in page["changes"]] for page in (first, rest, nothing)] == [[1], [2], []]
    assert {page["latest"] for page in (first, rest, nothing)} == {2}


def test_a_new_reader_gets_the_last_quarter_of_an_hour(
    ada: Person, grace: Person, api: Api, service_token: Any
) -> None:
    change = Change.objects.get(id=1)
    Change.objects.filter(id=1).update(at=change.at - timedelta(minutes=16))
    answer = api.get("/internal/changes/", token=service_token("messages")).json
    assert [entry["id"] for entry in answer["changes"]] == [2]

    Change.objects.update(at=change.at - timedelta(minutes=16))
    assert api.get("/internal/changes/", token=service_token("messages")).json == {"v": 1, "changes": [], "latest": 2}


def test_an_empty_feed_ends_at_zero(api: Api, service_token: Any) -> None:
    assert api.get("/internal/changes/", token=service_token("messages")).json == {"v": 1, "changes": [], "latest": 0}


def test_users_carry_the_newest_change_that_they_reflect(
    ada: Person, grace: Person, api: Api, service_token: Any
) -> None:
    ada.patch("me/", {"display_name": "Countess"})
    ids = f"{ada.id},{grace.id},{uuid4()}"
    answer = api.get(f"/internal/users/?ids={ids}", token=service_token("messages")).json

    assert (answer["v"], answer["latest"]) == (1, 3)
    assert answer["users"] == [
        {"id": str(ada.id), "username": "ada", "display_name": "Countess", "active": True, "change_id": 3},
        {"id": str(grace.id), "username": "grace", "display_name": "Grace Hopper", "active": True, "change_id": 2},
    ]


@pytest.mark.parametrize(
    "path",
    ["changes/?after=-1", "changes/?after=x", "changes/?after=" + "9" * 30, "changes/?limit=501", "changes/?limit=0",
     "changes/?after=9223372036854775808", "users/?ids=x", "users/?ids=" + ",".join(str(uuid4()) for _ in range(501))],
)  # fmt: skip
def test_wrong_parameters_are_400(api: Api, service_token: Any, path: str) -> None:
    assert api.get(f"/internal/{path}", token=service_token("messages")).code == "invalid"


def test_health_is_not_for_the_public(api: Api) -> None:
    assert [api.get(path).status for path in ("/healthz", "/readyz")] == [200, 200]
    for path in ("/healthz", "/readyz", "/metrics", "/internal/changes/"):
        assert api.get(path, **_keywords(THROUGH_THE_GATEWAY)).code == "not_found"
