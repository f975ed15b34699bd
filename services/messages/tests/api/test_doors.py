"""What every endpoint does alike: who gets in, what a body may be, and what a refusal looks like."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from api_client import JSON, Answer, Someone, call, sign_in

from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.tokens import TokenMint
from messages_service import identity
from messages_service.conversations.models import Event
from messages_service.people.models import Person


@dataclass(frozen=True)
class Door:
    """One endpoint: `{conversation}`, `{message}` and `{someone}` in its path and body stand for ids."""

    method: str
    path: str
    body: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def filled(self, ids: dict[str, str]) -> tuple[str, JSON | None]:
        """Path and body for these ids."""
        path, text = self.path, self.body
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
            text = None if text is None else text.replace(f"{{{name}}}", value)
        return path, None if text is None else json.loads(text)

    def knock(self, someone: Someone, ids: dict[str, str]) -> Answer:
        path, body = self.filled(ids)
        return someone.call(self.method, path, body)


OPEN = [
    Door("GET", "/api/conversations/"),
    Door("POST", "/api/conversations/", '{"kind": "group"}'),
    Door("GET", "/api/channels/"),
    Door("POST", "/api/invites/no-such-code/accept/", "{}"),
]
MEMBERS_ONLY = [
    Door("GET", "/api/conversations/{conversation}/"),
    Door("PATCH", "/api/conversations/{conversation}/", '{"title": "Looms"}'),
    Door("DELETE", "/api/conversations/{conversation}/"),
    Door("GET", "/api/conversations/{conversation}/members/"),
    Door("POST", "/api/conversations/{conversation}/members/", '{"user_ids": ["{someone}"]}'),
    Door("PATCH", "/api/conversations/{conversation}/members/{someone}/", '{"role": "admin"}'),
    Door("DELETE", "/api/conversations/{conversation}/members/{someone}/"),
    Door("POST", "/api/conversations/{conversation}/join/", "{}"),
    Door("POST", "/api/conversations/{conversation}/invites/", "{}"),
    Door("GET", "/api/conversations/{conversation}/messages/"),
    Door("POST", "/api/conversations/{conversation}/messages/", '{"client_id": "{someone}", "body": "x"}'),
    Door("POST", "/api/conversations/{conversation}/read/", '{"seq": 1}'),
    Door("GET", "/api/conversations/{conversation}/events/"),
    Door("PATCH", "/api/messages/{message}/", '{"body": "x"}'),
    Door("DELETE", "/api/messages/{message}/"),
    Door("GET", "/api/messages/{message}/edits/"),
]
DOORS = OPEN + MEMBERS_ONLY
WITH_BODY = [door for door in DOORS if door.body is not None]

every_door = pytest.mark.parametrize("door", DOORS, ids=str)
every_door_with_a_body = pytest.mark.parametrize("door", WITH_BODY, ids=str)
every_members_door = pytest.mark.parametrize("door", MEMBERS_ONLY, ids=str)


@pytest.fixture
def ids(ada: Someone, grace: Someone) -> dict[str, str]:
    """A group of Ada's and Grace's with a message of Grace's."""
    group = ada.begin("group", grace)
    return {"conversation": group["id"], "message": grace.say(group, "hello")["id"], "someone": str(grace.id)}


def unknown(ids: dict[str, str]) -> dict[str, str]:
    """Ids of nothing, and the same person."""
    return {**ids, "conversation": str(uuid4()), "message": str(uuid4())}


def log_length() -> int:
    return Event.objects.count()


@every_door
def test_nobody_gets_in_without_a_token(door: Door, ids: dict[str, str]) -> None:
    path, body = door.filled(ids)
    before = log_length()
    answer = call(door.method, path, body)
    assert answer.refusal == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert log_length() == before


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YWRhOmFkYQ==", "Bearer a b", "Bearer x", "é", "{}"])
def test_no_other_header_opens(ada: Someone, header: str) -> None:
    assert call("GET", "/api/conversations/", Authorization=header).refusal == (401, "unauthenticated")


def test_a_token_of_another_key_issuer_audience_or_kind_does_not_open(ada: Someone, auth: FakeAuth) -> None:
    mint = auth.mint
    for token in (
        TokenMint(kid=mint.kid).access(ada.id),
        TokenMint(kid="another").access(ada.id),
        mint.access(ada.id, iss="elsewhere"),
        mint.access(ada.id, aud="elsewhere"),
        mint.access(ada.id, token_type="refresh"),
        mint.access(ada.id, sub="ada"),
        mint.access(ada.id, exp=int(time.time()) + 3_600),
        mint.sign(mint.claims(ada.id), typ="JWT"),
    ):
        assert call("GET", "/api/conversations/", token=token).refusal == (401, "unauthenticated")


def test_an_expired_token_says_so(ada: Someone, auth: FakeAuth) -> None:
    token = auth.mint.access(ada.id, iat=int(time.time()) - 700, exp=int(time.time()) - 100)
    assert call("GET", "/api/conversations/", token=token).refusal == (401, "token_expired")


def test_an_ended_session_is_out_at_once_and_another_of_the_same_person_is_not(ada: Someone) -> None:
    phone = sign_in(ada.id, "ada")
    assert ada.get("conversations/").status == 200
    data = {"user_id": str(ada.id), "session_id": str(ada.session)}
    identity.REVOCATIONS.apply({"id": 1, "kind": "session.revoked", "data": data})
    assert ada.get("conversations/").refusal == (401, "token_revoked")
    assert phone.get("conversations/").status == 200
    identity.REVOCATIONS.apply({"id": 2, "kind": "user.disabled", "data": {"user_id": str(ada.id)}})
    assert phone.get("conversations/").refusal == (401, "token_revoked")


@every_members_door
def test_to_a_stranger_a_conversation_is_as_one_that_does_not_exist(
    door: Door, ids: dict[str, str], mallory: Someone
) -> None:
    before = log_length()
    refused = door.knock(mallory, ids)
    assert refused.refusal == (404, "not_found")
    assert refused.sameness == door.knock(mallory, unknown(ids)).sameness
    assert log_length() == before


@every_members_door
def test_to_who_was_removed_it_is_as_one_that_does_not_exist(
    door: Door, ids: dict[str, str], ada: Someone, grace: Someone
) -> None:
    assert ada.remove({"id": ids["conversation"]}, grace).status == 204
    before = log_length()
    refused = door.knock(grace, ids)
    assert refused.refusal == (404, "not_found")
    assert refused.sameness == door.knock(grace, unknown(ids)).sameness
    assert log_length() == before


@every_members_door
def test_an_id_that_is_none_is_not_found(door: Door, ids: dict[str, str], ada: Someone) -> None:
    for wrong in ("ada", "1", "%00", ids["conversation"].upper(), "{" + ids["conversation"] + "}", "../" * 3):
        answer = door.knock(ada, {"conversation": wrong, "message": wrong, "someone": ids["someone"]})
        assert answer.refusal == (404, "not_found")


MALFORMED = {
    "not JSON": b"{",
    "a word": b"hello",
    "two objects": b"{}{}",
    "a comment": b"{} // x",
    "single quotes": b"{'a': 1}",
    "a trailing comma": b'{"a": 1,}',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "a lone surrogate as a name": b'{"\\udfff": 1}',
    "a raw control character": b'{"a": "\x01"}',
    "twenty thousand brackets": b"[" * 20_000,
    "seventeen levels": b'{"a":' * 17 + b"1" + b"}" * 17,
    "a number of five thousand digits": b'{"a": ' + b"9" * 5_000 + b"}",
}


@every_door_with_a_body
def test_what_is_not_readable_is_malformed_and_changes_nothing(door: Door, ids: dict[str, str], ada: Someone) -> None:
    path, _ = door.filled(ids)
    before = log_length()
    for name, data in MALFORMED.items():
        assert ada.call(door.method, path, data).refusal == (400, "malformed"), name
    assert log_length() == before


@every_door_with_a_body
def test_what_is_no_object_has_a_field_twice_or_an_unknown_one_is_refused(
    door: Door, ids: dict[str, str], ada: Someone
) -> None:
    path, body = door.filled(ids)
    before = log_length()
    for value in (b"[]", b"null", b'"text"', b"5", b"true"):
        assert ada.call(door.method, path, value).refusal == (400, "invalid"), value
    doubled = ada.call(door.method, path, b'{"kind": 1, "kind": 2}')
    assert doubled.refusal == (400, "invalid")
    assert doubled.field_codes == {"kind": "doubled"}
    for name in ("colour", "", "a\0b", "__proto__", "x" * 300):
        answer = ada.call(door.method, path, {**(body or {}), name: 1})
        assert answer.refusal == (400, "unknown_field"), name
        assert answer.field_codes == {name[:64]: "unknown_field"}
    assert log_length() == before


@every_door_with_a_body
def test_only_json_is_read(door: Door, ids: dict[str, str], ada: Someone) -> None:
    path, _ = door.filled(ids)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "rubbish"):
        answer = ada.call(door.method, path, b"kind=group", Content_Type=kind)
        assert answer.refusal == (415, "invalid"), kind


@every_door_with_a_body
def test_over_a_mebibyte_is_too_large(door: Door, ids: dict[str, str], ada: Someone) -> None:
    path, _ = door.filled(ids)
    answer = ada.call(door.method, path, b'{"a": "' + b"x" * 1_048_576 + b'"}')
    assert answer.refusal == (413, "too_large")


@every_door
def test_another_method_is_refused_with_the_ones_there_are(door: Door, ids: dict[str, str], ada: Someone) -> None:
    path, _ = door.filled(ids)
    for method in ("PUT", "OPTIONS", "TRACE"):
        answer = ada.call(method, path)
        assert answer.refusal == (405, "invalid"), method
        assert door.method in answer.headers["Allow"]


@every_door
def test_a_path_without_its_slash_is_not_found(door: Door, ids: dict[str, str], ada: Someone) -> None:
    path, body = door.filled(ids)
    assert ada.call(door.method, path.rstrip("/"), body).refusal == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/api/", "/api/nope/", "/api/conversations//", "/admin/", "/static/x", "/%00", "/%ff%fe", "/api/é/"),
        *("/api/search/", "/api/files/", "/api/notifications/", "/api/docs/", "/api/messages/", "/api/invites/x/"),
    ],
)
def test_what_does_not_exist_is_not_found(ada: Someone, path: str) -> None:
    for accept in ("application/json", "text/html,*/*;q=0.1", "rubbish"):
        assert ada.get(path, Accept=accept).refusal == (404, "not_found")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/internal/heads/", "/internal/", "/internal"])
def test_nothing_of_the_inside_shows_through_the_api_gateway(ada: Someone, path: str) -> None:
    assert ada.get(path, X_Forwarded_For="203.0.113.7").refusal == (404, "not_found")


def test_inside_the_service_says_that_it_is_well(ada: Someone) -> None:
    assert call("GET", "/healthz").json["status"] == "ok"
    ready = call("GET", "/readyz")
    assert (ready.status, ready.json["failed"]) == (200, [])


def test_a_disabled_caller_is_known_but_others_can_not_add_them(ada: Someone, grace: Someone) -> None:
    Person.objects.filter(id=grace.id).update(active=False)
    group = ada.begin("group")
    assert ada.add(group, grace).refuses("user_ids", "unknown_user")


def test_every_answer_may_be_kept_by_nobody(ada: Someone) -> None:
    for answer in (ada.get("conversations/"), ada.get("nope/"), call("GET", "conversations/")):
        found: dict[str, Any] = dict(answer.headers)
        assert found["Cache-Control"] == "no-store"
        assert found["Referrer-Policy"] == "no-referrer"
        assert found["X-Content-Type-Options"] == "nosniff"
