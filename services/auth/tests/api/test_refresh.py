"""`POST /api/auth/token/refresh/`, the token in the body."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from api_client import Api, Person
from django.db import connection

from auth_service.accounts.models import Change
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.activation import disable_account


def _age(**times: timedelta) -> None:
    """Let time pass for the only session."""
    session = RefreshSession.objects.get()
    RefreshSession.objects.update(**{name: getattr(session, name) - much for name, much in times.items()})


def test_a_refresh_answers_with_the_next_tokens(ada: Person, api: Api) -> None:
    answer = ada.spend()

    assert (answer.status, answer.json.keys()) == (200, {"access", "refresh"})
    assert answer.json["refresh"] != ada.refresh
    assert api.get("me/", token=answer.json["access"]).json["username"] == "ada"
    assert ada.spend(answer.json["refresh"]).status == 200


def test_a_double_fired_refresh_gets_the_same_successor(ada: Person) -> None:
    first, second = ada.spend(), ada.spend()

    assert first.json["refresh"] == second.json["refresh"]
    assert ada.spend(second.json["refresh"]).status == 200


def test_a_repeat_is_answered_for_ten_seconds_and_no_longer(ada: Person) -> None:
    successor = ada.spend().json["refresh"]
    _age(rotated_at=timedelta(seconds=9))
    assert ada.spend().json["refresh"] == successor

    _age(rotated_at=timedelta(seconds=2))
    answer = ada.spend()
    assert (answer.status, answer.code) == (401, "token_reused")


def test_thief_first_the_victim_ends_the_session_for_both(ada: Person, api: Api) -> None:
    stolen = ada.spend().json
    _age(rotated_at=timedelta(seconds=11))

    assert ada.spend().code == "token_reused"
    assert ada.spend(stolen["refresh"]).code == "token_revoked"
    assert api.get("me/", token=stolen["access"]).code == "token_revoked"
    assert ada.get("me/").code == "token_revoked"


def test_victim_first_the_thief_ends_the_session_for_both(ada: Person) -> None:
    second = ada.spend().json
    third = ada.spend(second["refresh"]).json

    assert ada.spend().code == "token_reused"
    assert ada.spend(third["refresh"]).code == "token_revoked"
    assert Change.objects.filter(kind="session.revoked").count() == 1


def test_a_token_spent_many_rotations_ago_is_still_known(ada: Person) -> None:
    token = ada.refresh
    for _ in range(5):
        token = ada.spend(token).json["refresh"]

    assert ada.spend().code == "token_reused"
    assert ada.spend().code == "token_reused"
    assert Change.objects.filter(kind="session.revoked").count() == 1


def test_reuse_ends_that_session_and_no_other(ada: Person, api: Api) -> None:
    phone = api.sign_in("ada")
    ada.spend(ada.spend().json["refresh"])
    assert ada.spend().code == "token_reused"

    assert phone.get("me/").status == 200
    assert phone.spend().status == 200


def test_what_the_server_never_made_is_unauthenticated_and_ends_nothing(ada: Person) -> None:
    ada.spend(ada.spend().json["refresh"])  # Generation 2: a guess at generation 0 must not count as reuse.
    raw = base64.urlsafe_b64decode(ada.refresh.removeprefix("crt1_") + "=")
    flipped = [
        "crt1_" + base64.urlsafe_b64encode(raw[:n] + bytes([raw[n] ^ 1]) + raw[n + 1 :]).rstrip(b"=").decode()
        for n in range(len(raw))
    ]
    other = ["", "x", "crt1_", ada.refresh[:-1], ada.refresh + "=", ada.refresh + "A", ada.refresh.upper(),
             " " + ada.refresh, ada.refresh.replace("crt1_", "crt2_"), ada.access, "ü" * 96, "\0" * 96]  # fmt: skip
    # The last character carries two bits that mean nothing: four spellings of one token, of which one is ours.
    spellings = [ada.refresh[:-1] + char for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    for forged in [*flipped, *other, *(text for text in spellings if text != ada.refresh)]:
        answer = ada.spend(forged) if forged else ada.api.post("token/refresh/", {"refresh": ""})
        assert answer.code in ({"invalid"} if forged in {"", "\0" * 96, ada.access} else {"unauthenticated"}), forged

    assert RefreshSession.objects.get().revoked_at is None


def test_a_session_lives_thirty_days_however_busy(ada: Person) -> None:
    _age(created_at=timedelta(days=30, seconds=1))
    answer = ada.spend()
    assert (answer.status, answer.code) == (401, "token_expired")


def test_a_session_idle_for_seven_days_is_over(ada: Person) -> None:
    _age(seen_at=timedelta(days=6, hours=23))
    token = ada.spend().json["refresh"]
    _age(seen_at=timedelta(days=7, seconds=1))
    assert ada.spend(token).code == "token_expired"


def test_a_disabled_account_gets_nothing(ada: Person) -> None:
    disable_account(username="ada", now=datetime.now(UTC))
    assert ada.spend().code == "token_revoked"


def test_a_repeat_within_its_grace_does_not_outlive_a_logout(ada: Person) -> None:
    ada.spend()
    ada.post("logout/")
    assert ada.spend().code == "token_revoked"


def test_nothing_in_the_database_signs_anybody_in(ada: Person) -> None:
    answer = ada.spend()
    with connection.cursor() as cursor:
        dump = []
        for table in ("tokens_refreshsession", "accounts_user", "accounts_change"):
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            dump += [row[0] for row in cursor.fetchall()]
    text = "".join(dump)

    for token in (ada.refresh, answer.json["refresh"]):
        raw = base64.urlsafe_b64decode(token.removeprefix("crt1_") + "=")
        assert token not in text
        assert raw[20:52].hex() not in text
    assert answer.json["access"] not in text


@pytest.mark.parametrize(
    "body", [{}, {"refresh": None}, {"refresh": 5}, {"refresh": "x", "y": 1}, {"refresh": "x" * 513}]
)
def test_wrong_bodies_are_400(ada: Person, api: Api, body: object) -> None:
    assert api.post("token/refresh/", body).status == 400
