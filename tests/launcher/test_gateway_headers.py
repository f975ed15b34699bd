"""Headers the API gateway adds, replaces and drops, in both directions."""

import re
from types import SimpleNamespace

import pytest
from api_gateway import Answer, ApiGateway

FRESH = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYWHERE = [
    "/",
    "/c/1",
    "/assets/index-5f3a9c.js",
    "/assets/gone.js",
    "/api/auth/me/",
    "/api/conversations/",
    "/ws",
    "/internal/",
]


def _received(answer: Answer, name: str) -> list[str]:
    """What the service got under this name."""
    return [value for header, value in answer.json["headers"] if header.lower() == name.lower()]


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_is_guarded(gateway: ApiGateway, path: str) -> None:
    headers = gateway.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Server"] is None


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_has_exactly_one_request_id(gateway: ApiGateway, path: str) -> None:
    ids = gateway.get(path).headers.get_all("X-Request-ID")
    assert len(ids) == 1
    assert FRESH.fullmatch(ids[0])


@pytest.mark.parametrize("path", EVERYWHERE)
def test_sane_request_id_of_the_caller_is_kept(gateway: ApiGateway, path: str) -> None:
    assert gateway.get(path, X_Request_ID="trace.41_a-B").headers.get_all("X-Request-ID") == ["trace.41_a-B"]


@pytest.mark.parametrize(
    "bad", ["short", "x" * 65, "with space", 'quo"te-quote', "a/b/c/d/e/f", "ümlaut-ümlaut", "one-of-two,other-id", ""]
)
def test_other_request_id_is_replaced(gateway: ApiGateway, bad: str) -> None:
    answer = gateway.get("/api/auth/me/", X_Request_ID=bad)
    assert FRESH.fullmatch(answer.headers["X-Request-ID"])
    assert _received(answer, "X-Request-ID") == answer.headers.get_all("X-Request-ID")


def test_request_id_sent_twice_is_replaced(gateway: ApiGateway) -> None:
    twice = b"X-Request-ID: first-of-two\r\nX-Request-ID: second-of-two\r\n"
    answer = gateway.raw(b"GET /internal/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + twice + b"\r\n")
    assert b"of-two" not in answer
    assert answer.lower().count(b"x-request-id:") == 1


def test_service_hears_the_same_request_id_as_the_caller(gateway: ApiGateway) -> None:
    answer = gateway.get("/api/conversations/")
    assert _received(answer, "X-Request-ID") == [answer.headers["X-Request-ID"]]


def test_services_own_request_id_is_replaced(gateway: ApiGateway) -> None:
    answer = gateway.get("/api/conversations/?header-X-Request-ID=made-up-by-it")
    assert FRESH.fullmatch(answer.headers["X-Request-ID"])
    assert len(answer.headers.get_all("X-Request-ID")) == 1


def test_error_of_the_gateway_names_the_request_id(gateway: ApiGateway) -> None:
    answer = gateway.get("/internal/", X_Request_ID="trace-of-this")
    assert answer.json["request_id"] == "trace-of-this"


@pytest.mark.parametrize("path", ["/api/auth/me/", "/api/conversations/"])
def test_api_is_not_stored(gateway: ApiGateway, path: str) -> None:
    assert gateway.get(path).headers.get_all("Cache-Control") == ["no-store"]


def test_service_may_say_otherwise_about_caching(gateway: ApiGateway) -> None:
    answer = gateway.get("/api/files/1/?header-Cache-Control=private")
    assert answer.headers.get_all("Cache-Control") == ["private"]


def test_api_may_load_nothing_unless_the_service_says_otherwise(gateway: ApiGateway) -> None:
    strict = gateway.get("/api/conversations/").headers["Content-Security-Policy"]
    own = gateway.get("/api/docs/?header-Content-Security-Policy=img-src").headers.get_all("Content-Security-Policy")
    assert strict.startswith("default-src 'none';")
    assert own == ["img-src"]


def test_page_has_a_strict_policy(gateway: ApiGateway) -> None:
    (policy,) = gateway.get("/c/1").headers.get_all("Content-Security-Policy")
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self'"
    assert rules["connect-src"] == f"'self' ws://localhost:{gateway.port}"
    assert rules["img-src"] == "'self' data:"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "claim",
    [
        "Forwarded",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Ssl",
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
    ],
)
@pytest.mark.parametrize("path", ["/api/auth/me/", "/api/conversations/", "/ws"])
def test_claim_about_the_caller_is_dropped(gateway: ApiGateway, path: str, claim: str) -> None:
    assert _received(gateway.ask("GET", path, headers={claim: "6.6.6.6"}), claim) == []


@pytest.mark.parametrize("path", ["/api/auth/me/", "/api/conversations/", "/ws"])
def test_service_hears_what_the_gateway_saw_itself(gateway: ApiGateway, path: str) -> None:
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    answer = gateway.ask("GET", path, headers={**lies, "Host": "chat.example"})
    assert _received(answer, "X-Forwarded-For") == ["127.0.0.1"]
    assert _received(answer, "X-Forwarded-Proto") == ["http"]
    assert _received(answer, "X-Forwarded-Host") == ["chat.example"]
    assert _received(answer, "Host") == ["chat.example"]


def test_authorization_and_cookies_pass(gateway: ApiGateway, upstreams: SimpleNamespace) -> None:
    answer = gateway.get("/api/auth/me/", Authorization="Bearer abc", Cookie="refresh=1")
    assert _received(answer, "Authorization") == ["Bearer abc"]
    assert _received(answer, "Cookie") == ["refresh=1"]
    assert upstreams.auth.requests
