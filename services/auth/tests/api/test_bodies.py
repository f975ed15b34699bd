"""Every call refuses what is no body, and none answers HTML or 500."""

from __future__ import annotations

import pytest
from api_client import Api, Person

CALLS = [("POST", "register/"), ("POST", "token/"), ("POST", "token/refresh/"), ("POST", "logout/"),
         ("PATCH", "me/"), ("POST", "password/change/")]  # fmt: skip

MALFORMED = {
    "not json": b"{",
    "not utf-8": b'{"username": "\xff"}',
    "nan": b'{"username": NaN}',
    "a lone surrogate": b'{"username": "\\ud800"}',
    "too deep": b'{"username": ' + b"[" * 17 + b"]" * 17 + b"}",
    "very deep": b'{"username": ' + b"[" * 20_000,
}
INVALID = {
    "a doubled field": b'{"username": "a", "username": "b"}',
    "no object": b"[]",
    "a string": b'"x"',
    "null": b"null",
}


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_bodies(ada: Person, api: Api, method: str, path: str, case: str) -> None:
    answer = api.call(method, path, MALFORMED[case], token=ada.access)

    assert (answer.status, answer.code) == (400, "malformed")


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("case", INVALID)
def test_bodies_that_are_no_object_of_single_fields(ada: Person, api: Api, method: str, path: str, case: str) -> None:
    answer = api.call(method, path, INVALID[case], token=ada.access)

    assert (answer.status, answer.code) == (400, "invalid")


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_other_content_types_too_much_and_unknown_fields(ada: Person, api: Api, method: str, path: str) -> None:
    form = api.call(method, path, b"username=ada", token=ada.access, Content_Type="application/x-www-form-urlencoded")
    large = api.call(method, path, b'{"username": "' + b"x" * 1_048_577 + b'"}', token=ada.access)
    unknown = api.call(method, path, {"surprise": 1}, token=ada.access)

    assert (form.status, form.code) == (415, "invalid")
    assert (large.status, large.code) == (413, "too_large")
    assert (unknown.status, unknown.code) == (400, "unknown_field")


@pytest.mark.parametrize("path", [path for _, path in CALLS] + ["sessions/", "users/", ".well-known/jwks.json"])
def test_other_methods_are_problems_that_name_the_allowed_ones(ada: Person, api: Api, path: str) -> None:
    answer = api.call("PUT", path, {}, token=ada.access)

    assert (answer.status, answer.code) == (405, "invalid")
    assert "PUT" not in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    ["/", "/api/auth/", "/api/auth", "/api/auth/me", "/api/auth/token", "/api/auth/users", "/api/auth/nope/",
     "/admin/", "/api/auth/.well-known/jwks.json/", "/api/auth/users/5/", "/api/auth/sessions/x/", "/api/auth//me/",
     "/api/auth/../../internal/users/", "/metrics"],
)  # fmt: skip
def test_unknown_paths_are_the_same_404_and_never_a_redirect(ada: Person, api: Api, path: str) -> None:
    answer = api.get(path, token=ada.access)

    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", "*/*", "rubbish", ""])
def test_answers_are_json_whatever_accept_says(ada: Person, accept: str) -> None:
    assert ada.get("me/", Accept=accept).status == 200
    assert ada.get("users/?format=html", Accept=accept).status == 200


@pytest.mark.parametrize("given", ["caller-id.123_A", "x" * 8, "x" * 64])
def test_a_sane_request_id_is_kept(api: Api, given: str) -> None:
    assert api.get("me/", X_Request_ID=given).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["short", "bad id with blanks", "x" * 65])
def test_another_one_is_replaced(api: Api, given: str) -> None:
    assert len(api.get("me/", X_Request_ID=given).headers["X-Request-ID"]) == 36
