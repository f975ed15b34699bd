from __future__ import annotations

from collections.abc import Iterator

import pytest
from caddy import caddy_before
from echoing import echoing
from house import House


@pytest.fixture(scope="session", params=["stock", "uvicorn-slim"])
def echo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An echo behind the slim front of each server."""
    with echoing(tmp_path_factory.mktemp("echo"), request.param) as house:
        yield house


@pytest.fixture(scope="session", params=["alone", "through Caddy"])
def door(request: pytest.FixtureRequest, echo: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port at which it is reached."""
    if request.param == "alone":
        yield echo.port
        return
    with caddy_before(echo.port, tmp_path_factory.mktemp("caddy")) as port:
        yield port
