"""`/api/auth/sessions/` and `logout/`."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from api_client import Api, Person

from auth_service.accounts.models import Change
from auth_service.tokens.models import RefreshSession

CALLS = [
    ("GET", "sessions/"),
    ("DELETE", "sessions/"),
    ("DELETE", f"sessions/{uuid4()}/"),
    ("POST", "logout/"),
    ("GET", "me/"),
    ("PATCH", "me/"),
    ("POST", "password/change/"),
    ("GET", "users/"),
    ("GET", f"users/{uuid4()}/"),
]


def _ids(person: Person) -> list[str]:
    return [session["id"] for session in person.get("sessions/").json["sessions"]]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_nobody_gets_anything_without_a_token(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path, {} if method != "GET" else None)

    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_nor_with_one_whose_session_was_ended(ada: Person, method: str, path: str) -> None:
    ada.post("logout/")
    answer = ada.api.call(method, path, {} if method != "GET" else None, token=ada.access)

    assert (answer.status, answer.code) == (401, "token_revoked")


def test_the_list_shows_ones_own_sessions_newest_first(ada: Person, grace: Person, api: Api) -> None:
    phone = api.sign_in("ada")
    sessions = phone.get("sessions/").json["sessions"]

    assert [session["current"] for session in sessions] == [True, False]
    assert sessions[0].keys() == {"id", "device", "address", "created_at", "seen_at", "current"}
    assert len(_ids(grace)) == 1


def test_sessions_that_ran_out_are_not_shown(ada: Person, api: Api) -> None:
    phone, tablet = api.sign_in("ada"), api.sign_in("ada")
    old, idle = _ids(phone)[0], _ids(ada)[1]
    assert {old, idle}.isdisjoint({_ids(ada)[2]})
    now = RefreshSession.objects.get(id=old).created_at
    RefreshSession.objects.filter(id=old).update(created_at=now - timedelta(days=31))
    RefreshSession.objects.filter(id=idle).update(seen_at=now - timedelta(days=8))

    assert len(_ids(ada)) == 1
    assert tablet.spend().code == "token_expired"


def test_ending_one_session_leaves_the_others(ada: Person, api: Api) -> None:
    phone = api.sign_in("ada")
    its_id = _ids(phone)[0]

    assert ada.delete(f"sessions/{its_id}/").status == 204
    assert phone.get("me/").code == "token_revoked"
    assert phone.spend().code == "token_revoked"
    assert its_id not in _ids(ada)


def test_ending_a_session_twice_is_fine_and_told_once(ada: Person, api: Api) -> None:
    its_id = _ids(api.sign_in("ada"))[0]

    assert [ada.delete(f"sessions/{its_id}/").status for _ in range(2)] == [204, 204]
    entries = Change.objects.filter(kind="session.revoked")
    assert [entry.data for entry in entries] == [{"user_id": str(ada.id), "session_id": its_id}]


def test_a_foreign_session_is_as_absent_as_an_unknown_one(ada: Person, grace: Person) -> None:
    foreign, unknown = ada.delete(f"sessions/{_ids(grace)[0]}/"), ada.delete(f"sessions/{uuid4()}/")

    assert (foreign.status, foreign.code) == (404, "not_found")
    assert foreign.sameness == unknown.sameness
    assert grace.get("me/").status == 200


def test_ending_all_others_leaves_this_one(ada: Person, grace: Person, api: Api) -> None:
    phone, tablet = api.sign_in("ada"), api.sign_in("ada")

    assert ada.delete("sessions/").status == 204
    assert ada.get("me/").status == 200
    assert {phone.spend().code, tablet.get("me/").code} == {"token_revoked"}
    assert grace.get("me/").status == 200
    assert Change.objects.filter(kind="session.revoked").count() == 2
    assert ada.delete("sessions/").status == 204


@pytest.mark.parametrize("fields", [["refresh"], []])
def test_logout_ends_this_session_alone(ada: Person, api: Api, fields: list[str]) -> None:
    phone = api.sign_in("ada")

    assert phone.post("logout/", dict.fromkeys(fields, phone.refresh) or None).status == 204
    assert phone.get("me/").code == "token_revoked"
    assert phone.spend().code == "token_revoked"
    assert ada.get("me/").status == 200


def test_a_session_that_is_gone_signs_nobody_in(ada: Person) -> None:
    RefreshSession.objects.all().delete()

    assert ada.get("me/").code == "token_revoked"
    assert ada.spend().code == "unauthenticated"


def test_being_seen_is_written_once_a_minute(ada: Person) -> None:
    first = RefreshSession.objects.get().seen_at
    ada.get("me/")
    assert RefreshSession.objects.get().seen_at == first

    RefreshSession.objects.update(seen_at=first - timedelta(seconds=61))
    ada.get("me/")
    assert RefreshSession.objects.get().seen_at >= first
