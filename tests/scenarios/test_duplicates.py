"""One message however often it is sent: a small run of the scenario `duplicates`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 400


def test_a_message_that_is_sent_many_times_at_once_and_again_later_is_there_once(tmp_path):
    options = ["--scenario", "duplicates", "--scale", str(MESSAGES / 10_000), "--seed", "4"]
    command = [sys.executable, str(ROOT / "chatire"), "verify", *options, "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "figures.json").read_text())["duplicates"]
    assert found["messages"] == found["stored"] == MESSAGES
    assert found["sends"] > 3.5 * MESSAGES
    assert (
        min(found[f"{when}_over_{way}"] for when in ("at_once", "later") for way in ("http", "socket")) > MESSAGES / 5
    )
    assert found["shown"] == 12 * MESSAGES
