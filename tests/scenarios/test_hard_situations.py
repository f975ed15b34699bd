"""Small runs of the scenarios that take a server away: what was sent is there. How fast is for the full runs to judge."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ABOUT_TIME = re.compile(r"\d s\b")
SCALES = {"redis-away": 0.1, "failover": 0.3, "disk-full": 0.2, "clocks": 0.2}


@pytest.fixture
def played(tmp_path):
    def play(name):
        options = ["--scenario", name, "--scale", str(SCALES[name]), "--seed", "7"]
        command = [sys.executable, str(ROOT / "chatire"), "verify", *options, "--json", str(tmp_path / "figures.json")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
        assert (tmp_path / "figures.json").exists(), done.stderr
        found = json.loads((tmp_path / "figures.json").read_text())[name]
        if "skipped" in found:
            pytest.skip(found["skipped"])
        assert [sentence for sentence in found["wrong"] if not ABOUT_TIME.search(sentence)] == [], done.stderr
        return found

    return play


def test_redis_may_hang_or_be_gone(played):
    found = played("redis-away")
    for phase in ("hanging", "gone"):
        assert found[f"{phase}_acked"] == found[f"{phase}_sent"] > 20


def test_redis_may_fail_over(played):
    found = played("failover")
    assert found["failovers"] == 2
    assert found["messages_acked"] > 200


def test_the_disk_may_be_full(played):
    found = played("disk-full")
    assert found["posts_refused"]
    assert all(refusal.startswith("503 unavailable with Retry-After") for refusal in found["posts_refused"])
    assert found["reads"] > 0
    assert found["reads_failed"] == {} or found["postgres_ended_itself"] or found["postgres_took_no_connections"]


def test_clocks_may_be_wrong(played):
    found = played("clocks")
    assert sum(name.endswith("_back_s") for name in found) == 5
    assert found["messages_acked"] > 200
