"""`POST /api/auth/register/`."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import PASSWORD, Api, Person

from auth_service.accounts.models import Change, User

GOOD = {"username": "linus", "email": "linus@example.org", "password": PASSWORD}


def test_registering_answers_with_the_account_and_its_tokens(api: Api) -> None:
    answer = api.post("register/", {**GOOD, "display_name": "Linus T."})

    assert answer.status == 201
    assert answer.json.keys() == {"user", "access", "refresh"}
    user = dict(answer.json["user"])
    assert user.pop("id")[14] == "7"
    assert user.pop("created_at").endswith("Z")
    assert user == {
        "username": "linus",
        "email": "linus@example.org",
        "display_name": "Linus T.",
        "avatar_url": None,
        "status_text": "",
        "locale": "en",
        "role": "owner",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.get("me/", token=answer.json["access"]).json["username"] == "linus"


def test_the_display_name_is_the_user_name_unless_given(api: Api) -> None:
    assert api.post("register/", GOOD).json["user"]["display_name"] == "linus"


def test_only_the_first_account_owns_the_workspace(ada: Person, grace: Person) -> None:
    assert (ada.account["role"], grace.account["role"]) == ("owner", "member")


@pytest.mark.parametrize("name", ["ada", "ADA", "Ada"])
def test_a_name_is_taken_whatever_the_case(ada: Person, api: Api, name: str) -> None:
    answer = api.post("register/", {**GOOD, "username": name})

    assert (answer.status, answer.code, answer.field_codes) == (400, "invalid", {"username": "taken"})


def test_an_address_is_taken_whatever_the_case(ada: Person, api: Api) -> None:
    answer = api.post("register/", {**GOOD, "email": "Ada@Example.ORG"})

    assert (answer.code, answer.field_codes) == ("invalid", {"email": "taken"})


def test_registering_twice_names_both_taken_fields_and_changes_nothing(ada: Person, api: Api) -> None:
    before = Change.objects.count()
    answer = api.post("register/", {"username": "ada", "email": "ada@example.org", "password": PASSWORD})

    assert answer.field_codes == {"username": "taken", "email": "taken"}
    assert (User.objects.count(), Change.objects.count()) == (1, before)


@pytest.mark.parametrize("name", ["a", "-ada", ".ada", "a" * 33, "ada lovelace", "ada@home", "adä", "аda", "ada\n", ""])
def test_other_user_names_are_refused(api: Api, name: str) -> None:
    answer = api.post("register/", {**GOOD, "username": name})

    assert (answer.status, answer.code) == (400, "invalid")
    assert "username" in answer.field_codes


@pytest.mark.parametrize("name", ["ad", "a" * 32, "4ever", "Ada.Lovelace_1815-"])
def test_user_names_of_the_contract_are_taken(api: Api, name: str) -> None:
    assert api.post("register/", {**GOOD, "username": name}).status == 201


@pytest.mark.parametrize(
    "email",
    ["ada", "@example.org", "ada@", "a b@example.org", "ada@ex_ample.org", '"ada"@example.org', "ada@example..org",
     "ada@-example.org", f"{'a' * 65}@example.org", f"a@{'b.' * 125}example.org", "ada@example", "ada\0@example.org",
     "ada..b@example.org", "adä@example.org"],
)  # fmt: skip
def test_other_addresses_are_refused(api: Api, email: str) -> None:
    answer = api.post("register/", {**GOOD, "email": email})

    assert (answer.status, answer.code) == (400, "invalid")
    assert "email" in answer.field_codes


@pytest.mark.parametrize(
    ("password", "code"),
    [("a" * 11, "too_short"), ("b" * 129, "too_long"), ("QWERTY123456", "common"), ("linusLINUS2024!", "common"),
     ("chatirechatire", "common"), ("🐧" * 11, "too_short")],
)  # fmt: skip
def test_bad_passwords_are_refused(api: Api, password: str, code: str) -> None:
    answer = api.post("register/", {**GOOD, "password": password})

    assert (answer.status, answer.code, answer.field_codes) == (400, "invalid", {"password": code})
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["🐧" * 12, "x" * 128, " leading and trailing ", "nul \0 is unicode too", "ſ" * 12]
)
def test_any_unicode_password_signs_in_again(api: Api, password: str) -> None:
    assert api.post("register/", {**GOOD, "password": password}).status == 201
    assert api.post("token/", {"username": "linus", "password": password}).status == 200


def test_a_password_is_not_trimmed_cut_or_folded(api: Api) -> None:
    api.register("linus", password="Passphrase of 12+ ")
    for other in ("Passphrase of 12+", "passphrase of 12+ ", "Passphrase of 12+ x"):
        assert api.post("token/", {"username": "linus", "password": other}).code == "invalid_credentials"


def test_both_spellings_of_an_accent_are_one_password(api: Api) -> None:
    api.register("linus", password="man\u0303ana man\u0303ana")
    assert api.post("token/", {"username": "linus", "password": "ma\u00f1ana ma\u00f1ana"}).status == 200


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        ({}, "invalid", {"username": "required", "email": "required", "password": "required"}),
        ({**GOOD, "username": 5}, "invalid", {"username": "invalid"}),
        ({**GOOD, "password": ["x"] * 12}, "invalid", {"password": "invalid"}),
        ({**GOOD, "email": None}, "invalid", {"email": "null"}),
        ({**GOOD, "display_name": "x" * 65}, "invalid", {"display_name": "too_long"}),
        ({**GOOD, "display_name": "Li\u202enus"}, "invalid", {"display_name": "invalid"}),
        ({**GOOD, "display_name": " "}, "invalid", {"display_name": "blank"}),
        ({**GOOD, "role": "owner"}, "unknown_field", {"role": "unknown_field"}),
        (
            {**GOOD, "is_active": True, "id": "x"},
            "unknown_field",
            {"id": "unknown_field", "is_active": "unknown_field"},
        ),
    ],
)
def test_wrong_fields_are_named_and_nothing_is_made(api: Api, body: Any, code: str, fields: dict[str, str]) -> None:
    answer = api.post("register/", body)

    assert (answer.status, answer.code, answer.field_codes) == (400, code, fields)
    assert not User.objects.exists()
