"""What is not for the outside answers 404 at the API gateway, however it is spelled, and no service hears of it."""

from types import SimpleNamespace

import pytest
from api_gateway import ApiGateway

CLOSED = [
    "/internal",
    "/internal/",
    "/internal/changes/?after=0",
    "/INTERNAL/changes/",
    "/Internal/messages/batch/",
    "/%69nternal/changes/",
    "/%49NTERNAL/",
    "/i%6eternal/",
    "/%2569nternal/",
    "/%252569nternal/",
    "//internal/changes/",
    "/.//internal/",
    "/./internal/",
    "/x/../internal/",
    "/x/%2e%2e/internal/",
    "/x/.%2e/internal/",
    "/x%2f..%2finternal/",
    "/x/..%2finternal/",
    "/%2finternal/",
    "/%5cinternal/",
    "/x/..\\internal/",
    "/internal;a=b/changes/",
    "/;/internal/",
    "/internal%00/",
    "/internal%20/",
    "/internal%0d%0a/",
    "/api/internal/changes/",
    "/api/INTERNAL/changes/",
    "/api//internal/changes/",
    "/api/./internal/changes/",
    "/api/../internal/changes/",
    "/api/auth/internal/changes/",
    "/api/auth/../../internal/changes/",
    "/api/auth/..%2f..%2finternal/changes/",
    "/api/auth/%2e%2e/%2e%2e/internal/changes/",
    "/api/%69nternal/changes/",
    "/metrics",
    "/metrics/",
    "/Metrics",
    "/api/metrics",
    "/api/auth/metrics",
    "/%6detrics",
    "//metrics",
    "/healthz",
    "/healthz?verbose",
    "/api/healthz",
    "/api/auth/healthz",
    "/HEALTHZ",
    "/readyz",
    "/readyz/",
    "/api/readyz",
    "/api/auth/readyz",
    "/x/../readyz",
    "/%72eadyz",
    "http://elsewhere/internal/changes/",
]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_closed_path_is_not_found_and_reaches_no_service(
    gateway: ApiGateway, upstreams: SimpleNamespace, method: str, path: str
) -> None:
    before = _heard(upstreams)

    answer = gateway.ask(method, path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")
    assert _heard(upstreams) == before


@pytest.mark.parametrize(
    "path", ["/api/auth/x/../y/", "/api/a%2fb/", "/api//conversations/", "/api/a%25b/", "/api/a%3bb/"]
)
def test_crooked_path_is_not_found_even_where_it_leads_to_nothing_closed(
    gateway: ApiGateway, upstreams: SimpleNamespace, path: str
) -> None:
    before = _heard(upstreams)

    assert gateway.get(path).status == 404
    assert _heard(upstreams) == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/messages/1/reactions/%F0%9F%91%8D/",
        "/api/messages/1/reactions/%23%EF%B8%8F%E2%83%A3/",
        "/api/messages/1/reactions/*%EF%B8%8F%E2%83%A3/",
        "/api/search/?q=%2Finternal%2F..%25//%5C",
        "/api/conversations/internal/",
    ],
)
def test_honest_path_arrives_exactly_as_it_was_sent(gateway: ApiGateway, path: str) -> None:
    assert gateway.get(path).json["path"] == path


def _heard(upstreams: SimpleNamespace) -> int:
    return sum(len(upstream.requests) for upstream in vars(upstreams).values())
