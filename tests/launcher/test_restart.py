"""`./chatire restart`: parts of a running stack, one after the other, from this checkout or from another tree."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from launching import Stack, until

from chatire_local.checkout import LAUNCHER, ROOT

SERVICES = ("auth", "messages", "relay", "gateway")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with two of each service."""
    stack = Stack(tmp_path_factory.mktemp("pairs") / "data")
    stack.up("--auths", "2", "--messages", "2", "--relays", "2", "--gateways", "2", "--workers", "1", "--limits", "off")
    yield stack
    assert stack.run("down").returncode == 0
    assert stack.processes() == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Another tree of sources, which calls itself 9.9.9."""
    root = tmp_path / "another tree"
    for folder in ("shared/src", "services/auth", "services/messages"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (root / "shared/src/chatire_shared/__init__.py").write_text('__version__ = "9.9.9"\n')
    return root


def _pids(stack: Stack) -> dict[str, int]:
    return {name: part["pid"] for name, part in stack.status()["parts"].items()}


def _version(stack: Stack, part: str) -> str:
    """What a service itself says."""
    address = stack.status()["parts"][part]["address"]
    with closing(http.client.HTTPConnection(*address.split(":"), timeout=10)) as connection:
        connection.request("GET", "/healthz")
        return str(json.loads(connection.getresponse().read())["version"])


@pytest.mark.parametrize("service", SERVICES)
def test_all_instances_of_a_service_are_restarted_one_after_the_other(pairs: Stack, service: str) -> None:
    before = _pids(pairs)

    done = pairs.run("restart", service)

    assert done.returncode == 0, done.stderr
    first, second, third, fourth = done.stdout.splitlines()
    assert first.split() == [f"{service}-1", "stopping", "..."]
    assert second.startswith(f"  {service}-1 ")
    assert "is ready after" in second
    assert third.split() == [f"{service}-2", "stopping", "..."]
    assert "is ready after" in fourth
    after = _pids(pairs)
    assert {name for name in before if before[name] != after[name]} == {f"{service}-1", f"{service}-2"}
    assert pairs.is_ready()
    assert not list((pairs.data / "run" / "orders").iterdir())


def test_one_instance_is_restarted_alone(pairs: Stack) -> None:
    before = _pids(pairs)
    assert pairs.run("restart", "messages-2").returncode == 0
    after = _pids(pairs)
    assert {name for name in before if before[name] != after[name]} == {"messages-2"}
    assert pairs.status()["parts"]["messages-2"]["restarts"] == 0


def test_part_runs_from_another_tree_until_its_next_restart(pairs: Stack, tree: Path) -> None:
    assert pairs.run("restart", "auth-1", "--source", str(tree)).returncode == 0
    assert _version(pairs, "auth-1") == "9.9.9"
    assert _version(pairs, "auth-2") != "9.9.9"
    assert pairs.status()["parts"]["auth-1"]["version"] == f"9.9.9 from {tree}"

    killed = pairs.pid("auth-1")
    os.kill(killed, signal.SIGKILL)
    until(lambda: pairs.status()["parts"]["auth-1"]["pid"] not in {None, killed})
    until(pairs.is_ready)
    assert _version(pairs, "auth-1") == "9.9.9"

    assert pairs.run("restart", "auth-1").returncode == 0
    assert _version(pairs, "auth-1") == _version(pairs, "auth-2")


def test_instance_that_does_not_start_spares_the_others(pairs: Stack, tree: Path) -> None:
    (tree / "services/messages/src/messages_service/wsgi.py").write_text("raise RuntimeError('this build is broken')\n")
    before = _pids(pairs)

    done = pairs.run("restart", "messages", "--source", str(tree))

    assert done.returncode == 1
    assert "messages-1 ended with" in done.stderr
    assert "this build is broken" in done.stderr
    assert "was left alone" in done.stderr
    assert _pids(pairs)["messages-2"] == before["messages-2"]
    assert pairs.run("restart", "messages-1").returncode == 0
    assert pairs.is_ready()


def test_setting_holds_until_the_next_restart(pairs: Stack) -> None:
    def told() -> bool:
        return b"CHATIRE_LOG_LEVEL=WARNING\0" in Path(f"/proc/{pairs.pid('relay-2')}/environ").read_bytes()

    assert pairs.run("restart", "relay-2", "--set", "CHATIRE_LOG_LEVEL=WARNING").returncode == 0
    assert told()
    assert pairs.run("restart", "relay-2").returncode == 0
    assert not told()


def test_orders_are_carried_out_one_after_the_other(pairs: Stack) -> None:
    line = [sys.executable, LAUNCHER, "restart", "--data", str(pairs.data), "relay"]
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [each.communicate()[0] for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert [text.count("is ready after") for text in said] == [2, 2]


def test_everything_else_is_watched_meanwhile(pairs: Stack) -> None:
    before = pairs.status()["parts"]["relay-1"]["restarts"]
    line = [sys.executable, LAUNCHER, "restart", "--data", str(pairs.data), "auth"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as restarting:
        assert restarting.stdout is not None
        restarting.stdout.readline()
        os.kill(pairs.pid("relay-1"), signal.SIGKILL)
        until(lambda: pairs.status()["parts"]["relay-1"]["restarts"] > before)
        restarting.communicate()
    assert restarting.returncode == 0
    until(pairs.is_ready)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nothing"], "Parts: postgres, valkey, auth-1, auth-2, messages-1"),
        (["auth", "--set", "PATH=/"], "give CHATIRE_NAME=VALUE"),
        (["auth", "--set", "CHATIRE_LOG_LEVEL"], "give CHATIRE_NAME=VALUE"),
        (["caddy", "--source", str(ROOT / "docs")], "neither other sources nor settings"),
        (["gateway", "--source", str(ROOT / "docs")], "holds no sources of gateway"),
        ([], "PART"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_stops(pairs: Stack, arguments: list[str], hint: str) -> None:
    before = _pids(pairs)
    done = pairs.run("restart", *arguments)
    assert done.returncode == 2
    assert hint in done.stderr
    assert _pids(pairs) == before


def test_nothing_runs(fresh_stack: Stack) -> None:
    done = fresh_stack.run("restart", "auth")
    assert done.returncode == 1
    assert "./chatire up" in done.stderr


def test_stopping_the_stack_ends_a_restart(stack: Stack) -> None:
    stack.up()
    line = [sys.executable, LAUNCHER, "restart", "--data", str(stack.data), "messages", "auth", "relay"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as restarting:
        assert restarting.stdout is not None
        restarting.stdout.readline()
        assert stack.run("down").returncode == 0
        _, said = restarting.communicate()
    assert restarting.returncode == 1
    assert "stopped" in said or "ended" in said
    assert stack.processes() == []
