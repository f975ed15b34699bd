"""Whoever must not read any more does not: a small run of the scenario `revocation`, with Valkey and without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRIES = 30
WAYS = 6


def test_who_is_signed_out_or_removed_reads_nothing_more(tmp_path):
    """How fast is for the full run to judge: this one shares its machine with other tests."""
    options = ["--scenario", "revocation", "--scale", str(TRIES / 1_000), "--seed", "4"]
    command = [sys.executable, str(ROOT / "chatire"), "verify", *options, "--json", str(tmp_path / "figures.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    found = json.loads((tmp_path / "figures.json").read_text())["revocation"]
    assert [sentence for sentence in found["wrong"] if "took longer" not in sentence] == [], done.stderr
    assert found["tries"] == TRIES
    assert found["without_valkey"] == TRIES // 2
    assert found["leaks"] == 0
    assert found["events_seen"] > TRIES
    taken = {
        name.removeprefix("with_valkey_")
        for name, value in found.items()
        if str(name).startswith("with_v") and value["tries"]
    }
    assert len(taken) >= WAYS - 2, f"hardly any ways were taken: {taken}"
