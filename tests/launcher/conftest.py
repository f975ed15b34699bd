"""What the launcher's tests share: Caddy in front of fake services, and launchers on folders of their own."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from api_gateway import ApiGateway, running_gateway
from fake_upstream import running_upstream
from launching import Stack


@pytest.fixture(scope="session")
def web_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built web client: a page, a hashed file, and what is not meant for anybody."""
    root = tmp_path_factory.mktemp("built client")  # With a space, as in some people's home folders.
    (root / "assets").mkdir()
    (root / "index.html").write_text(f"<!doctype html><title>Chatire</title>{' ' * 2000}")
    (root / "assets" / "index-5f3a9c.js").write_text("export {}" + ";" * 2000)
    (root / ".stamp").write_text("nobody's business")
    return root


@pytest.fixture(scope="session")
def upstreams() -> Iterator[SimpleNamespace]:
    """The three services that Caddy knows, as mirrors."""
    with (
        running_upstream("auth") as auth,
        running_upstream("messages") as messages,
        running_upstream("gateway") as gateway,
    ):
        yield SimpleNamespace(auth=auth, messages=messages, gateway=gateway)


@pytest.fixture(scope="session")
def gateway(
    upstreams: SimpleNamespace, web_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApiGateway]:
    """Caddy with every service behind it."""
    addresses = {
        "auth": upstreams.auth.address,
        "messages": upstreams.messages.address,
        "gateways": upstreams.gateway.address,
    }
    with running_gateway(tmp_path_factory.mktemp("caddy"), web_root, **addresses) as running:
        yield running


@pytest.fixture(scope="session")
def lonely_gateway(web_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiGateway]:
    """Caddy with nobody behind it."""
    with running_gateway(tmp_path_factory.mktemp("lonely-caddy"), web_root) as running:
        yield running


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with two gateways that the tests of one module share."""
    stack = Stack(tmp_path_factory.mktemp("stack") / "data")
    stack.up("--gateways", "2", "--limits", "off")
    yield stack
    assert stack.run("down").returncode == 0
    assert stack.processes() == []


@pytest.fixture(scope="session")
def used_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a stack that ran once."""
    stack = Stack(tmp_path_factory.mktemp("used") / "data")
    stack.up()
    stack.run("down")
    return stack.data


@pytest.fixture
def stack(used_data: Path, tmp_path: Path) -> Iterator[Stack]:
    """A stack of a test's own, at rest, that ran before."""
    yield from _at_rest(Path(shutil.copytree(used_data, tmp_path / "data")))


@pytest.fixture
def fresh_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack of a test's own that was never started."""
    yield from _at_rest(tmp_path / "data")


def _at_rest(data: Path) -> Iterator[Stack]:
    stack = Stack(data)
    yield stack
    assert stack.run("down").returncode == 0
    assert stack.processes() == []
