"""Services restarted under load, and beside earlier versions of the others: small runs of `rolling` and `versions`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chatire_faults.checker import BREACHES
from chatire_faults.errors import FaultsError
from chatire_faults.scenarios._earlier import FROM, Earlier, earlier_commit
from chatire_faults.scenarios.versions import COMBINATIONS, SERVICES, walk_all

ROOT = Path(__file__).resolve().parents[2]


def verified(scenario, scale, folder):
    """The figures of a scenario, which must have kept every promise."""
    options = ["--scenario", scenario, "--scale", str(scale), "--seed", "4", "--json", str(folder / "figures.json")]
    command = [sys.executable, str(ROOT / "chatire"), "verify", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "figures.json").read_text())[scenario]


def all_well(found):
    assert found["requests"] > 500
    assert all(found["requests_by_kind"].values())
    assert found["requests_failed"] == 0
    assert found["acked"] == found["sent"] > 100
    assert {name: found[name] for name in BREACHES} == dict.fromkeys(BREACHES, 0)
    # An attempt may be told to come a moment later (503), as the scenario itself has it; a socket may not end otherwise.
    assert set(found["socket_ends"]) - {"attempts that failed"} == {"1012 after bye"}


def test_no_request_fails_while_every_service_is_restarted(tmp_path):
    found = verified("rolling", 0.2, tmp_path)
    all_well(found)
    assert found["restarts_of_each_service"] == 1


def test_nothing_fails_beside_an_earlier_version(tmp_path):
    found = verified("versions", 0.13, tmp_path) if _earlier_is_comparable(tmp_path / "earlier") else None
    if found is None:
        pytest.skip(f"there is no earlier version here that can be left gently; {FROM} names one")
    all_well(found)
    assert found["combinations"] == 1 + found["restarts"] == 3


def _earlier_is_comparable(folder):
    try:
        return Earlier.unpacked(earlier_commit(), folder).leaves_gently
    except FaultsError:
        return False


def test_the_walk_visits_every_combination_once_and_comes_home():
    earlier, seen = set(), []
    for service, to_earlier in walk_all(COMBINATIONS):
        (earlier.add if to_earlier else earlier.remove)(service)
        seen.append(frozenset(earlier))
    assert len(set(seen)) == len(seen) == 2 ** len(SERVICES)
    assert seen[-1] == frozenset()


def test_an_earlier_commit_that_is_not_here_is_said(monkeypatch):
    monkeypatch.setenv(FROM, "no-such-tag")
    with pytest.raises(FaultsError, match=f"no commit no-such-tag here.*{FROM}"):
        earlier_commit()


def test_a_service_that_knows_one_address_only_is_told_one(tmp_path):
    addresses = {"auths": ["127.0.0.1:1", "127.0.0.1:2"], "messages": ["127.0.0.1:3", "127.0.0.1:4"]}
    assert Earlier("today", ROOT).settings(addresses) == {}
    assert Earlier("long ago", tmp_path).settings(addresses) == {
        "CHATIRE_AUTH_URL": "http://127.0.0.1:1",
        "CHATIRE_MESSAGES_URL": "http://127.0.0.1:3",
    }
