"""The scenarios with crowds of sockets, small: counts are judged here, seconds by `./chatire verify --scenario` itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def play(scenario: str, scale: float, folder: Path) -> dict[str, float]:
    figures = folder / "figures.json"
    command = [sys.executable, str(ROOT / "chatire"), "verify", "--scenario", scenario, "--scale", str(scale)]
    done = subprocess.run(
        [*command, "--seed", "4", "--json", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return dict(json.loads(figures.read_text())[scenario])


def test_everybody_dropped_at_once_comes_back_and_nothing_is_lost(tmp_path):
    figures = play("storm", 0.02, tmp_path)
    assert figures["sockets"] == 100
    assert figures["posts"] > 20
    assert figures["events_delivered"] > 1_000
    assert [figures[f"events_{wrong}"] for wrong in ("lost", "doubled", "out_of_order")] == [0, 0, 0]
    assert (figures["resyncs"], figures["restarts_of_others"]) == (0, 0)


def test_who_never_reads_is_cut_off_and_costs_nobody_else_anything(tmp_path):
    figures = play("slow-consumers", 0.02, tmp_path)
    assert figures["never_reading"] == figures["cut_off"] == 4
    assert figures["events_to_others"] == 36 * figures["posts"]
    assert [figures["events_lost"], figures["events_doubled"], figures["others_dropped"]] == [0, 0, 0]


def test_readers_that_stall_are_held_within_the_bound(tmp_path):
    figures = play("stalled-readers", 0.04, tmp_path)
    assert figures["cut_off"] > 0
    assert 0 < figures["outgoing_most_mib"] <= 65
    assert figures["gateway_rss_growth_mib"] < 100
