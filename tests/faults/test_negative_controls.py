"""The campaign bites: with each promise broken on purpose in the running services, it must fail, and say which one.

Its counterpart: what a bus may do (lose, double) and a bell may do (stay silent) breaks no promise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chatire_faults import sabotage

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 3
SEED = 9
LOAD = [
    "--clients",
    "6",
    "--conversations",
    "3",
    "--rate",
    "8",
    "--every",
    "1.2",
    "--minutes",
    "0.16",
    "--patience",
    "7",
]
# What is lost shows when something follows it there: seldom, so that a tick is needed.
SELDOM = {"no_tick": ["--rate", "1.5", "--conversations", "6"]}
# What makes the sabotage matter; those that break what happens all the time need no fault, only some load.
FAULTS = {
    "no_deduplication": ["duplicate-sends"],
    "deliver_after_removal": ["remove-and-rejoin"],
    "no_replay": ["kill-gateway", "kill-caddy"],
}
NO_MATTER_WHICH = ["duplicate-sends", "remove-and-rejoin"]
BROKEN = {
    "ack_before_commit": {"lost", "doubled", "altered"},
    "no_deduplication": {"doubled"},
    "no_sweep": {"late", "lost"},
    "no_tick": {"late", "lost"},
    "no_gap_fetch": {"late", "lost"},
    "no_deduplication_in_gateway": {"doubled"},
    "no_order": {"holes", "lost"},
    "deliver_after_removal": {"leaked"},
    "no_replay": {"holes", "lost"},
}

Outcome = tuple[int, dict[str, Any], str]


def verify(name: str, folder: Path) -> Outcome:
    figures = folder / f"{name}.json"
    faults = ["--faults", *FAULTS.get(name, NO_MATTER_WHICH)]
    load = [*LOAD, *SELDOM.get(name, [])]
    command = [sys.executable, ROOT / "chatire", "verify", "--seed", SEED, *load, "--json", figures, *faults]
    environment = os.environ | {"CHATIRE_SABOTAGE": f"chatire_faults.sabotage:{name}", "TMPDIR": str(folder)}
    line = list(map(str, command))
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
    found = json.loads(figures.read_text()) if figures.exists() else {}
    return done.returncode, found, done.stdout + done.stderr


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    """All campaigns, a few at a time: most of their seconds are waiting."""
    folder = tmp_path_factory.mktemp("sabotage")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        each = (*sabotage.HARMFUL, *sabotage.HARMLESS)
        yield {done.__name__: pool.submit(verify, done.__name__, folder) for done in each}


@pytest.mark.parametrize("name", [each.__name__ for each in sabotage.HARMFUL])
def test_a_broken_promise_is_found_out(outcomes, name):
    status, figures, told = outcomes[name].result()
    assert status == 1, told
    found = {breach for breach, count in figures["breaches"].items() if count}
    assert found & BROKEN[name], told


@pytest.mark.parametrize("name", [each.__name__ for each in sabotage.HARMLESS])
def test_what_may_go_wrong_breaks_no_promise(outcomes, name):
    status, figures, told = outcomes[name].result()
    assert status == 0, told
    assert figures["acked"] >= 30, told
