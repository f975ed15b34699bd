"""The promises under random faults, as much of it as fits into every run of the tests. A longer one: `./chatire verify`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatire_faults.nemesis import FAULTS

ROOT = Path(__file__).resolve().parents[2]
# The most telling kinds, quick ones among them, so that a minute holds enough of them.
KINDS = (
    "kill-gateway",
    "kill-messages-worker",
    "kill-relay",
    "kill-valkey",
    "kill-postgres",
    "kill-caddy",
    "drain-gateway",
    "cut-subscribers",
    "flush-valkey",
    "terminate-backends",
    "lock-conversation",
    "reset-lines",
    "remove-and-rejoin",
    "duplicate-sends",
)
SEED = 4


def verify(*arguments):
    command = [sys.executable, str(ROOT / "chatire"), "verify", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_every_promise_is_kept_while_ten_and_more_things_break(tmp_path):
    load = ("--clients", 12, "--conversations", 5, "--rate", 10, "--every", 2.5, "--minutes", 0.75)
    done = verify("--seed", SEED, *load, "--json", tmp_path / "figures.json", "--faults", *KINDS)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["faults"] >= 10
    assert figures["kinds"] >= 8
    assert figures["acked"] >= 200
    assert figures["shown"] > figures["acked"]
    assert figures["wrong"] == 0


@pytest.mark.parametrize("arguments", [["--faults", "earthquake"], ["--minutes", "0"], ["--clients", "1"], ["extra"]])
def test_wrong_usage_is_2(arguments):
    assert verify(*arguments).returncode == 2


def test_help_names_every_fault():
    done = verify("--help")
    assert done.returncode == 0
    assert all(name in done.stdout.replace("\n", "").replace(" ", "") for name in FAULTS)
