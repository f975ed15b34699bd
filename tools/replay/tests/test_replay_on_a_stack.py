"""A replay as a user starts it, on the running stack that CHATIRE_DATA names (`./chatire test replay` starts one)."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from samples import MORNING

ROOT = Path(__file__).resolve().parents[3]
needs_stack = pytest.mark.skipif("CHATIRE_DATA" not in os.environ, reason="CHATIRE_DATA names no running stack")


def replay(*arguments):
    command = [sys.executable, "-m", "chatire_replay", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


@pytest.fixture
def log(tmp_path):
    """The sample, said a few times over."""
    path = tmp_path / "garden.raw.txt"
    path.write_bytes(MORNING * 20)
    return path


@needs_stack
def test_a_small_log_comes_through_byte_for_byte(log, tmp_path):
    done = replay(log, "--watchers", 5, "--seed", 7, "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["sent"], figures["skipped"], figures["wrong"]) == (140, 20, 0)
    assert figures["drops"] == 3


@needs_stack
def test_a_second_replay_makes_a_channel_of_its_own_and_takes_the_people_again(log, tmp_path):
    titles = []
    for _ in range(2):
        assert replay(log, "--watchers", 1, "--json", tmp_path / "figures.json").returncode == 0
        titles.append(json.loads((tmp_path / "figures.json").read_text())["channels"][0]["name"])
    assert titles[0] != titles[1]


@needs_stack
def test_a_gateway_killed_in_the_middle_costs_nothing(log, tmp_path):
    done = replay(log, "--watchers", 5, "--kill-gateway", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads((tmp_path / "figures.json").read_text())["killed"]) == 1


@needs_stack
def test_a_stack_elsewhere_is_reached_by_address_and_command(log, tmp_path):
    launcher = [sys.executable, str(ROOT / "chatire")]
    address = os.environ["CHATIRE_E2E_URL"]
    manage = shlex.join([*launcher, "manage", "--data", os.environ["CHATIRE_DATA"], "auth"])
    done = replay(log, "--data", tmp_path / "nothing", "--url", address, "--manage", manage, "--watchers", 2)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_stack_it_says_what_to_start(log, tmp_path):
    done = replay(log, "--data", tmp_path / "nothing")
    assert done.returncode == 2
    assert "./chatire up" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["no-such-file"], [__file__, "--manage", "true"], ["--speed", "warp"], ["--watchers", "0"]]
)
def test_wrong_usage_is_2(arguments):
    assert replay(*arguments).returncode == 2
