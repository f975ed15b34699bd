"""`/api/auth/me/` and `password/change/`."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import PASSWORD, Api, Person

from auth_service.accounts.models import Change

NEW = "another fine passphrase"


def test_me_is_the_account_of_the_contract(ada: Person) -> None:
    answer = ada.get("me/")

    assert answer.json == ada.account
    assert answer.json.keys() == {
        "id", "username", "email", "display_name", "avatar_url", "status_text", "locale", "role", "created_at"
    }  # fmt: skip


def test_a_new_display_name_is_shown_and_told_to_the_other_services(ada: Person) -> None:
    answer = ada.patch("me/", {"display_name": "Countess 🐧"})

    assert (answer.status, answer.json["display_name"]) == (200, "Countess 🐧")
    assert ada.get("me/").json == answer.json
    newest = Change.objects.order_by("-id")[0]
    assert (newest.kind, newest.data["display_name"]) == ("user.updated", "Countess 🐧")


@pytest.mark.parametrize(
    "body", [{}, {"display_name": "Ada Lovelace"}, {"status_text": "x" * 140, "locale": "pt-BR"}, {"avatar_url": None}]
)
def test_what_the_others_need_not_know_makes_no_change(ada: Person, body: dict[str, Any]) -> None:
    before = Change.objects.count()
    answer = ada.patch("me/", body)

    assert (answer.status, {name: answer.json[name] for name in body}) == (200, body)
    assert Change.objects.count() == before


def test_a_status_can_be_taken_back(ada: Person) -> None:
    ada.patch("me/", {"status_text": "at lunch"})
    assert ada.patch("me/", {"status_text": ""}).json["status_text"] == ""


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"display_name": ""}, "invalid"), ({"display_name": " \u3000"}, "invalid"), ({"display_name": "x" * 65}, "invalid"),
        ({"display_name": "a\nb"}, "invalid"), ({"display_name": "a\0b"}, "invalid"), ({"display_name": "a\u2028b"}, "invalid"),
        ({"display_name": "a\u202eb"}, "invalid"), ({"display_name": None}, "invalid"), ({"display_name": 5}, "invalid"),
        ({"status_text": "x" * 141}, "invalid"), ({"status_text": "a\tb"}, "invalid"), ({"status_text": ["a"]}, "invalid"),
        ({"locale": ""}, "invalid"), ({"locale": "e"}, "invalid"), ({"locale": "en_US"}, "invalid"),
        ({"locale": None}, "invalid"),
        ({"avatar_url": "https://example.org/a.png"}, "invalid"), ({"avatar_url": ""}, "invalid"),
        ({"avatar_url": {}}, "invalid"),
        ({"email": "new@example.org"}, "unknown_field"), ({"username": "countess"}, "unknown_field"),
        ({"role": "owner"}, "unknown_field"), ({"id": "x"}, "unknown_field"), ({"is_active": False}, "unknown_field"),
        ({"password": "x"}, "unknown_field"), ({"display_name": "fine", "role": "owner"}, "unknown_field"),
    ],
)  # fmt: skip
def test_other_values_are_refused_and_change_nothing(grace: Person, body: dict[str, Any], code: str) -> None:
    answer = grace.patch("me/", body)

    assert (answer.status, answer.code) == (400, code)
    assert set(body) & set(answer.field_codes)
    assert grace.get("me/").json == grace.account


def test_a_new_password_ends_all_other_sessions(ada: Person, api: Api) -> None:
    phone = api.sign_in("ada")
    assert ada.post("password/change/", {"old": PASSWORD, "new": NEW}).status == 204

    assert ada.get("me/").status == 200
    assert ada.spend().status == 200
    assert phone.get("me/").code == "token_revoked"
    assert phone.spend().code == "token_revoked"
    assert api.post("token/", {"username": "ada", "password": PASSWORD}).code == "invalid_credentials"
    assert api.sign_in("ada", NEW).get("me/").status == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"old": "not my password", "new": NEW}, {"old": "wrong"}),
        ({"old": PASSWORD, "new": "short"}, {"new": "too_short"}),
        ({"old": PASSWORD, "new": "x" * 129}, {"new": "too_long"}),
        ({"old": PASSWORD, "new": "adaADAada1815"}, {"new": "common"}),
        ({"old": PASSWORD, "new": "qwerty123456"}, {"new": "common"}),
        ({"old": PASSWORD}, {"new": "required"}),
        ({"new": NEW}, {"old": "required"}),
        ({"old": 1, "new": NEW}, {"old": "invalid"}),
        ({"old": PASSWORD, "new": None}, {"new": "null"}),
    ],
)
def test_a_refused_new_password_changes_nothing(
    ada: Person, api: Api, body: dict[str, Any], fields: dict[str, str]
) -> None:
    phone = api.sign_in("ada")
    answer = ada.post("password/change/", body)

    assert (answer.status, answer.code, answer.field_codes) == (400, "invalid", fields)
    assert phone.get("me/").status == 200
    assert api.post("token/", {"username": "ada", "password": PASSWORD}).status == 200
