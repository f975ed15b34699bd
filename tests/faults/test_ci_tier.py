"""The promises under random faults, as much of it as fits into every run of the tests. A longer one: `./chatire verify`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatire_faults.nemesis import FAULTS

ROOT = Path(__file__).resolve().parents[2]
SEED = 4
ACKED = 15_000


def verify(*arguments):
    command = [sys.executable, str(ROOT / "chatire"), "verify", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)


def test_every_promise_is_kept_while_thirty_and_more_things_break(tmp_path):
    load = ("--rate", 110, "--every", 3.5, "--minutes", 3.6, "--acked", ACKED)
    done = verify("--seed", SEED, *load, "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["faults"] >= 30
    assert figures["kinds"] >= 15
    assert figures["acked"] >= ACKED
    assert figures["shown"] > 10 * figures["acked"]
    assert figures["wrong"] == 0


@pytest.mark.parametrize("arguments", [["--faults", "earthquake"], ["--minutes", "0"], ["--clients", "1"], ["extra"]])
def test_wrong_usage_is_2(arguments):
    assert verify(*arguments).returncode == 2


def test_help_names_every_fault():
    done = verify("--help")
    assert done.returncode == 0
    assert all(name in done.stdout.replace("\n", "").replace(" ", "") for name in FAULTS)
