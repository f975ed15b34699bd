"""The row `ablation`: each variant is a gateway started that way, and what it does is noted under its name."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from chatire_bench.bench import Bench
from chatire_bench.contender import Shape
from chatire_bench.figures import OURS
from chatire_bench.rows import ablation, fanout

MEMBERS = 20


@pytest.fixture
def small(monkeypatch):
    """Rooms that a test fills in a moment."""
    monkeypatch.setattr(fanout, "QUICK_SHAPE", Shape(1, MEMBERS))
    monkeypatch.setattr(ablation, "QUICK_CONNECTIONS", Shape(5, 10))


def test_both_fronts_are_measured_at_delivering_and_connecting(alone, small, monkeypatch):
    fronts = {name: ablation.VARIANTS[name] for name in (OURS, ablation.DAPHNE)}
    monkeypatch.setattr(ablation, "VARIANTS", fronts)
    row = ablation.run(alone)
    assert row.wrong == []
    delivered = row.figures[f"deliveries, one room of {MEMBERS}"].samples
    bare = row.figures["handshakes, bare"].samples
    known = row.figures["handshakes, with tokens that were seen before"].samples
    for found in (delivered, bare, known):
        assert set(found) == set(fronts)
        assert all(value > 0 for (value,) in found.values())
    assert set(row.figures["memory of an idle connection"].samples) == set(fronts)
    # Started anew for each figure, the way that the name says.
    assert alone.ours.stack.remade == [settings for settings in fronts.values() for _figure in range(2)]


def loaded(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def test_a_gateway_without_uvloop_is_one_without_uvloop(alone):
    stack = alone.ours.stack
    with stack.running(alone.ours.counts):
        for name, has_it in ((OURS, True), ("no uvloop", False)):
            stack.remake("gateway", ablation.VARIANTS[name])
            (pid,) = stack.pids.values()
            assert ("uvloop" in loaded(pid)) is has_it, name


def test_every_variant_but_ours_lacks_one_thing():
    full = ablation.VARIANTS[OURS]
    assert full == ablation.FULL
    for name, settings in ablation.VARIANTS.items():
        assert len(settings.items() ^ full.items()) in ({0} if name == OURS else {1, 2}), name


def test_every_other_pair_goes_the_other_way_round(alone, monkeypatch):
    turns = []
    monkeypatch.setattr(ablation, "_deliver", lambda _bench, _row, name: turns.append(name))
    monkeypatch.setattr(ablation, "_started", lambda *_: None)
    monkeypatch.setattr(ablation, "_connect", lambda _bench, _row, name, _running: turns.append(f"{name}, connecting"))
    monkeypatch.setattr(Bench, "attempt", lambda *_: nullcontext())
    alone.pairs = 2
    alone.ours.stack.stop = lambda: None
    ablation.run(alone)
    first, second = turns[: len(turns) // 2], turns[len(turns) // 2 :]
    names = [name for name in first if "connecting" not in name]
    assert names == list(ablation.VARIANTS)
    assert [name for name in second if "connecting" not in name] == names[::-1]
    assert {name for name in turns if "connecting" in name} == {f"{OURS}, connecting", f"{ablation.DAPHNE}, connecting"}
