"""Errors that the API gateway makes itself are problem details (RFC 9457), like everybody else's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_gateway import Answer, ApiGateway, running_gateway
from fake_upstream import running_upstream

MEBIBYTE = 1024 * 1024


def _is_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.json
    assert set(problem) == {"type", "title", "status", "code", "detail", "request_id"}
    assert (answer.status, problem["status"], problem["code"]) == (status, status, code)
    assert problem["request_id"] == answer.headers["X-Request-ID"]


def _chunks(size: int) -> Iterator[bytes]:
    """A body whose size is told to nobody beforehand."""
    yield b"x" * size


def test_what_is_not_there(gateway: ApiGateway) -> None:
    _is_problem(gateway.get("/assets/gone.js"), 404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_page_cannot_be_written(gateway: ApiGateway, method: str) -> None:
    _is_problem(gateway.ask(method, "/c/1"), 405, "invalid")


@pytest.mark.parametrize("path", ["/api/auth/token/", "/api/conversations/"])
def test_body_of_one_mebibyte_passes(gateway: ApiGateway, path: str) -> None:
    assert gateway.ask("POST", path, body=b"x" * MEBIBYTE).json["size"] == MEBIBYTE


@pytest.mark.parametrize("path", ["/api/auth/token/", "/api/conversations/"])
def test_larger_body_is_refused(gateway: ApiGateway, path: str) -> None:
    _is_problem(gateway.ask("POST", path, body=b"x" * (MEBIBYTE + 1)), 413, "too_large")


@pytest.mark.parametrize("path", ["/api/auth/token/", "/api/conversations/"])
def test_larger_body_is_refused_when_its_size_is_not_told(gateway: ApiGateway, path: str) -> None:
    _is_problem(gateway.ask("POST", path, body=_chunks(MEBIBYTE + 1)), 413, "too_large")


def test_upload_may_be_larger(gateway: ApiGateway) -> None:
    assert gateway.ask("POST", "/api/files/", body=b"x" * 3 * MEBIBYTE).json["size"] == 3 * MEBIBYTE


@pytest.mark.parametrize("path", ["/api/auth/me/", "/api/conversations/", "/ws"])
def test_service_that_is_away(lonely_gateway: ApiGateway, path: str) -> None:
    answer = lonely_gateway.get(path)
    _is_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


def test_page_is_served_while_every_service_is_away(lonely_gateway: ApiGateway) -> None:
    assert lonely_gateway.get("/c/1").status == 200


def test_gateway_that_is_away_is_passed_over(web_root: Path, tmp_path: Path) -> None:
    with (
        running_upstream("alive") as alive,
        running_gateway(tmp_path, web_root, gateways=f"127.0.0.1:1 {alive.address}") as caddy,
    ):
        assert [caddy.get("/ws").json["who"] for _ in range(6)] == ["alive"] * 6


def test_problem_of_a_service_passes_as_it_is(gateway: ApiGateway) -> None:
    answer = gateway.get("/api/conversations/?status=503&type=application/problem%2Bjson&header-Retry-After=7")
    assert (answer.status, answer.json["who"], answer.headers["Retry-After"]) == (503, "messages", "7")


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (400, 400, "malformed"),
        (404, 404, "not_found"),
        (414, 414, "malformed"),
        (500, 500, "internal"),
        (503, 503, "unavailable"),
    ],
)
def test_html_page_of_a_server_becomes_a_problem(gateway: ApiGateway, status: int, told: int, code: str) -> None:
    """Gunicorn refuses what it cannot read with a page of its own."""
    _is_problem(gateway.get(f"/api/conversations/?status={status}&type=text/html"), told, code)


def test_html_page_that_is_no_error_passes(gateway: ApiGateway) -> None:
    assert gateway.get("/api/docs/?type=text/html").json["who"] == "messages"
