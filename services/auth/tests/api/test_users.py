"""`/api/auth/users/`: public profiles."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from api_client import Person

from auth_service.accounts.services.creating import NewAccount, create_accounts
from auth_service.tokens.services.activation import disable_account


def _names(person: Person, query: str) -> list[str]:
    answer = person.get(f"users/{query}")
    assert answer.status == 200, answer.text
    return [user["username"] for user in answer.json["users"]]


def test_a_profile_shows_what_the_contract_says_and_never_the_address(ada: Person, grace: Person) -> None:
    one = ada.get(f"users/{grace.id}/")

    assert one.json == {
        "id": str(grace.id), "username": "grace", "display_name": "Grace Hopper", "avatar_url": None,
        "status_text": "", "active": True,
    }  # fmt: skip
    assert ada.get("users/?search=grace").json == {"users": [one.json], "next": None}


def test_a_disabled_account_is_shown_as_such(ada: Person, grace: Person) -> None:
    disable_account(username="grace", now=datetime.now(UTC))
    assert ada.get(f"users/{grace.id}/").json["active"] is False


@pytest.mark.parametrize(
    ("search", "found"),
    [("gra", ["grace"]), ("HOPP", ["grace"]), ("grace hop", ["grace"]), ("hop gra", ["grace"]), ("grace ada", []),
     ("a", ["ada", "grace"]), ("", ["ada", "grace"]), ("%20", ["ada", "grace"]), ("%25", []), ("_", []), ("%5C", []),
     ("example", []), ("example.org", []), ("grace@", []), ("' OR 1=1 --", []), ("%FF%FE", [])],
)  # fmt: skip
def test_search_finds_parts_of_names(ada: Person, grace: Person, search: str, found: list[str]) -> None:
    assert _names(ada, f"?search={search}") == found


def test_like_wildcards_in_names_are_plain_characters(ada: Person) -> None:
    ada.patch("me/", {"display_name": "100%_sure\\"})
    assert _names(ada, "?search=0%25_s") == ["ada"]
    assert _names(ada, "?search=sure%5C") == ["ada"]
    assert _names(ada, "?search=1%25e") == []


def test_ids_select_and_unknown_ones_are_left_out(ada: Person, grace: Person) -> None:
    assert _names(ada, f"?ids={grace.id},{uuid4()}") == ["grace"]
    assert _names(ada, f"?ids={grace.id},{ada.id}&search=ada") == ["ada"]
    assert _names(ada, "?ids=") == []


@pytest.mark.parametrize(
    "query",
    ["ids=x", "ids=5", f"ids={str(uuid4()).upper()}", f"ids={'{'}{uuid4()}{'}'}", "search=" + "x" * 65, "search=%00",
     "limit=0", "limit=101", "limit=x", "limit=-1", "cursor=x", "cursor=WzVd", "cursor=WyJcdTAwMDAiXQ", "cursor=",
     "ids=" + ",".join(str(uuid4()) for _ in range(101))],
)  # fmt: skip
def test_wrong_parameters_are_400(ada: Person, query: str) -> None:
    answer = ada.get(f"users/?{query}")
    assert (answer.status, answer.code) == (400, "invalid")


def test_there_are_a_hundred_at_a_time_and_a_way_on(ada: Person) -> None:
    many = [NewAccount(f"penguin-{n:03}", f"p{n}@example.org", "", "!") for n in range(130)]
    create_accounts(accounts=many, now=datetime.now(UTC))
    first = ada.get("users/").json
    second = ada.get(f"users/?cursor={first['next']}").json

    assert (len(first["users"]), len(second["users"]), second["next"]) == (100, 31, None)
    names = [user["username"] for user in first["users"] + second["users"]]
    assert names == sorted({"ada", *(account.username for account in many)})


def test_an_unknown_profile_is_404(ada: Person) -> None:
    answer = ada.get(f"users/{uuid4()}/")
    assert (answer.status, answer.code) == (404, "not_found")
