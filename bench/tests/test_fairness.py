"""The row `fairness`: on a real gateway, and what it says of a room that doesn't get everything."""

import sys

import pytest
from stand import Behaviour, standing

from chatire_bench.contender import Shape
from chatire_bench.errors import BenchError
from chatire_bench.figures import OURS, Row
from chatire_bench.loadgen import Line, Loadgen
from chatire_bench.publish_loops import Published
from chatire_bench.rows import fairness

WRONG = "the small room"


class Saying:
    """Publishes by having the stand say it."""

    def __init__(self, stand, call):
        self._stand, self._call = stand, call

    def publish(self, messages):
        for message in messages:
            self._call(self._stand.say("room", f"n^{message.number}={message.at_us}^ hello"))


def test_a_small_room_is_heard_alone_and_beside_a_busy_one(alone, monkeypatch):
    monkeypatch.setattr(fairness, "QUICK_LARGE", Shape(1, 20))
    before = sys.getswitchinterval()
    row = fairness.run(alone)
    assert row.wrong == []
    for share in ("p50", "p99"):
        found = row.figures[f"delivery {share} in the small room"].samples
        assert set(found) == {fairness.ALONE, OURS}
        assert all(0 < value < 5_000 for (value,) in found.values())
    (busy,) = row.figures["deliveries a second in the large room"].samples[OURS]
    assert busy > fairness.RATE * 20
    (cores,) = row.figures["server"].samples[OURS]
    assert 0 < cores < 1.5
    assert sys.getswitchinterval() == before


def hear(command, behaviour):
    """Four messages in a room of two at a stand that errs; the row that judges it, and the latencies."""
    row = Row("fairness", "")
    with standing("chatire", behaviour) as (stand, port, call):
        lines = [Line(port, 0, "/room", "room", f"token{number}") for number in range(2)]
        with Loadgen(command, "chatire", lines) as load:
            load.connect()
            room = fairness.Room(load, Published(Saying(stand, call), rooms=1, members=2))
            delivery = room.hear_steadily(3.5 / fairness.RATE)
            room.judge(row, WRONG)
    return row, delivery


@pytest.fixture
def hasty(monkeypatch):
    """What is lost isn't waited for."""
    monkeypatch.setattr(fairness, "_DRAIN_SECONDS", 0.3)


def test_a_room_that_gets_everything_is_not_wrong(command):
    row, delivery = hear(command, Behaviour())
    assert row.wrong == []
    assert 0 < delivery["p50_us"] <= delivery["p99_us"] < 5_000_000


def test_what_a_room_does_not_get_is_wrong(command, hasty):
    row, _delivery = hear(command, Behaviour(skip={2}))
    (wrong,) = row.wrong
    assert wrong.startswith(f"fairness: {WRONG}: ")
    assert "'missing': 2" in wrong
    assert "'jumps': 2" in wrong


def test_what_a_room_gets_twice_is_wrong(command, hasty):
    row, _delivery = hear(command, Behaviour(double={3}))
    (wrong,) = row.wrong
    assert "'backwards': 2" in wrong
    assert "'missing': -2" in wrong


def test_latencies_are_noted_in_milliseconds_and_held_against_the_bar():
    row = Row("fairness", "")
    fairness._note(row, fairness.ALONE, {"p50_us": 1_500, "p99_us": 9_000})
    fairness._note(row, OURS, {"p50_us": 40_000, "p99_us": 101_000})
    assert row.figures["delivery p50 in the small room"].samples == {fairness.ALONE: [1.5], OURS: [40]}
    late = row.figures["delivery p99 in the small room"]
    assert late.samples == {fairness.ALONE: [9], OURS: [101]}
    assert [late.judged(bar) for bar in late.bars] == [(101, False)]


def test_a_large_room_that_cannot_be_kept_busy_is_an_error():
    class Broken:
        def publish(self, messages):
            raise ConnectionError("Redis is away")

    class Idle:
        def progress(self):
            return type("Progress", (), {"deliveries": 0})

    room = fairness.Room(Idle(), Published(Broken(), rooms=1, members=10))
    with pytest.raises(BenchError, match="kept busy: Redis is away"), fairness.Saturating(room):
        pass


def test_the_runner_is_as_it_was_even_after_a_failure():
    def fail():
        with fairness._fair_runner():
            assert sys.getswitchinterval() == pytest.approx(fairness._SWITCH_SECONDS)
            raise BenchError("no")

    before = sys.getswitchinterval()
    with pytest.raises(BenchError):
        fail()
    assert sys.getswitchinterval() == before
