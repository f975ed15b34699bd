"""Several instances of a service behind the API gateway: one that goes takes no request with it, and none is done twice."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from api_gateway import NOBODY_LISTENS, ApiGateway, running_gateway
from fake_upstream import running_upstream

TRIES = 6


@pytest.fixture
def pair(web_root: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """Two instances that stand for auth and messages alike: one breaks every connection, the other answers."""
    with running_upstream("broken") as broken, running_upstream("well") as well:
        broken.cuts = True
        both = f"{broken.address} {well.address}"
        with running_gateway(tmp_path, web_root, auth=both, messages=both) as caddy:
            yield SimpleNamespace(broken=broken, well=well, caddy=caddy)


@pytest.fixture
def half_gone(web_root: Path, tmp_path: Path) -> Iterator[ApiGateway]:
    """One instance that answers, beside one that is not there."""
    with running_upstream("well") as well:
        both = f"{NOBODY_LISTENS} {well.address}"
        with running_gateway(tmp_path, web_root, auth=both, messages=both) as caddy:
            yield caddy


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/api/auth/me/", "/api/conversations/"])
def test_what_nobody_has_taken_goes_to_another_instance(half_gone: ApiGateway, method: str, path: str) -> None:
    answers = [half_gone.ask(method, path, body=b"{}").json for _ in range(TRIES)]
    assert [(answer["who"], answer["size"]) for answer in answers] == [("well", 2)] * TRIES


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/conversations/"),
        ("GET", "/api/auth/me/"),
        ("POST", "/api/conversations/0192/messages/"),
        ("POST", "/api/auth/token/refresh/"),
    ],
)
def test_what_may_be_done_twice_goes_to_another_instance_when_a_connection_breaks(
    pair: SimpleNamespace, method: str, path: str
) -> None:
    answers = [pair.caddy.ask(method, path, body=b"{}").json for _ in range(TRIES)]
    assert [(answer["who"], answer["size"]) for answer in answers] == [("well", 2)] * TRIES


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/conversations/"),
        ("POST", "/api/conversations/0192/members/"),
        ("POST", "/api/auth/register/"),
        ("DELETE", "/api/messages/0192/"),
    ],
)
def test_anything_else_is_never_done_twice(pair: SimpleNamespace, method: str, path: str) -> None:
    answers = [pair.caddy.ask(method, path, body=b"{}") for _ in range(TRIES)]
    assert len(pair.broken.requests) + len(pair.well.requests) == TRIES
    assert {answer.status for answer in answers} <= {200, 503}
