from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, running

from chatire_shared.testing.servers import ValkeyServer


@pytest.fixture(scope="module", params=["daphne", "slim", "uvicorn", "uvicorn-slim"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway under each server that it supports."""
    with running(request.param, tmp_path_factory.mktemp("house")) as house:
        yield house


@pytest.fixture(params=["slim", "uvicorn-slim"])
def own_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A gateway that the test may ruin."""
    with running(request.param, tmp_path) as house:
        yield house


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey that the test may end."""
    server = ValkeyServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture(params=["slim", "uvicorn-slim"])
def frail_house(request: pytest.FixtureRequest, tmp_path: Path, valkey: ValkeyServer) -> Iterator[House]:
    """A gateway on that Valkey."""
    with running(request.param, tmp_path, CHATIRE_REDIS_URL=valkey.url) as house:
        yield house
