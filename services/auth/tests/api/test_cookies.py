"""The cookie transport of refresh tokens."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import ORIGIN, PASSWORD, Answer, Api, Person

NAME = "chatire_refresh"
COOKIE = {"X_Refresh_Transport": "cookie", "Origin": ORIGIN}
BODY = {"username": "ada", "password": PASSWORD}


def _sign_in(api: Api) -> Answer:
    return api.post("token/", BODY, **COOKIE)


def _refresh(api: Api, token: str, **headers: str) -> Answer:
    return api.post("token/refresh/", Cookie=f"{NAME}={token}", **{**COOKIE, **headers})


def test_the_token_is_in_the_cookie_only(ada: Person, api: Api) -> None:
    answer = _sign_in(api)
    cookie = answer.cookies[NAME]

    assert answer.json.keys() == {"user", "access"}
    assert cookie.value not in answer.text
    assert {name: cookie[name] for name in ("httponly", "samesite", "path", "secure", "domain")} == {
        "httponly": True, "samesite": "Strict", "path": "/api/auth/", "secure": "", "domain": ""
    }  # fmt: skip
    assert 30 * 86_400 - 60 <= cookie["max-age"] <= 30 * 86_400


def test_registering_sets_the_cookie_as_well(api: Api) -> None:
    body = {**BODY, "email": "ada@example.org"}
    answer = api.post("register/", body, **COOKIE)

    assert (answer.status, answer.json.keys()) == (201, {"user", "access"})
    assert answer.cookies[NAME].value


def test_a_refresh_with_an_empty_body_turns_the_cookie(ada: Person, api: Api) -> None:
    first = _sign_in(api).cookies[NAME].value
    answer = _refresh(api, first)

    assert (answer.status, answer.json.keys()) == (200, {"access"})
    assert answer.cookies[NAME].value not in {first, ""}
    assert _refresh(api, answer.cookies[NAME].value).status == 200


def test_logout_takes_the_cookie_back(ada: Person, api: Api) -> None:
    answer = _sign_in(api)
    gone = api.post("logout/", token=answer.json["access"], Cookie=f"{NAME}={answer.cookies[NAME].value}", **COOKIE)

    assert gone.status == 204
    assert (gone.cookies[NAME].value, gone.cookies[NAME]["max-age"]) == ("", 0)
    assert gone.cookies[NAME]["path"] == "/api/auth/"
    assert _refresh(api, answer.cookies[NAME].value).code == "token_revoked"


FOREIGN = [
    "null", "", "http://evil.example", "https://localhost:8000", "http://localhost", "http://localhost:80000",
    "http://localhost:8000.evil.example", "http://evil.example/http://localhost:8000", "http://localhost:8000/",
    "http://LOCALHOST:8000", "http://user@localhost:8000", "http://localhost:8000 ", "//localhost:8000", "localhost:8000",
    "http://127.0.0.1:8000", "http://localhost:8001", "ws://localhost:8000", "http://localhost:8000, http://evil.example",
    "https://chat.example.org.evil.example", "http://chat.example.org", "https://xchat.example.org", "https://example.org",
    "https://chat.example.org:444", "http://localhost:8000\t", "file://", "*", "http://*", "https://*.example.org",
]  # fmt: skip


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["register/", "token/", "token/refresh/", "logout/"])
def test_other_origins_may_not_use_the_cookie(ada: Person, api: Api, path: str, origin: str) -> None:
    headers = {**COOKIE, "Origin": origin, "Cookie": f"{NAME}={ada.refresh}"}
    answer = api.post(path, {}, token=ada.access, **headers)

    assert (answer.status, answer.code) == (403, "forbidden")
    assert not answer.cookies
    assert ada.get("me/").status == 200


def test_no_origin_at_all_may_not_either(ada: Person, api: Api) -> None:
    answer = api.post("token/refresh/", Cookie=f"{NAME}={ada.refresh}", X_Refresh_Transport="cookie")
    assert answer.code == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ORIGIN},
        {"Origin": "https://chat.example.org"},
        {"Origin": "http://chat.lan:8080", "Host": "chat.lan:8080"},
        {"Origin": "https://chat.lan", "Host": "chat.lan", "X_Forwarded_Proto": "https"},
    ],
)
def test_own_and_allowed_origins_may(ada: Person, api: Api, headers: dict[str, str]) -> None:
    assert _refresh(api, ada.refresh, **headers).status == 200


def test_only_a_proxy_of_ours_says_the_scheme(ada: Person, api: Api, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ()
    answer = _refresh(api, ada.refresh, Origin="https://chat.lan", Host="chat.lan", X_Forwarded_Proto="https")
    assert answer.code == "forbidden"


def test_a_cookie_without_the_header_counts_for_nothing(ada: Person, api: Api) -> None:
    answer = api.post("token/refresh/", {}, Cookie=f"{NAME}={ada.refresh}", Origin=ORIGIN)
    assert (answer.code, answer.field_codes) == ("invalid", {"refresh": "required"})


@pytest.mark.parametrize("cookie", ["", "other=1", f"{NAME}=", f"{NAME}=rubbish", f"__Secure-{NAME}=x"])
def test_without_a_usable_cookie_one_is_not_signed_in(ada: Person, api: Api, cookie: str) -> None:
    answer = api.post("token/refresh/", Cookie=cookie, **COOKIE)
    assert (answer.status, answer.code) == (401, "unauthenticated")


def test_a_token_in_the_body_of_a_cookie_call_is_refused(ada: Person, api: Api) -> None:
    answer = api.post("token/refresh/", {"refresh": ada.refresh}, Cookie=f"{NAME}={ada.refresh}", **COOKIE)
    assert answer.code == "unknown_field"


def test_over_https_the_cookie_is_secure_and_says_so_in_its_name(ada: Person, api: Api, settings: Any) -> None:
    settings.PUBLIC_ORIGIN = "https://team.example.org"
    answer = api.post("token/", BODY, X_Refresh_Transport="cookie", Origin="https://team.example.org")
    cookie = answer.cookies[f"__Secure-{NAME}"]

    assert cookie["secure"] is True
    again = api.post(
        "token/refresh/",
        Cookie=f"__Secure-{NAME}={cookie.value}",
        X_Refresh_Transport="cookie",
        Origin="https://team.example.org",
    )
    assert again.status == 200
