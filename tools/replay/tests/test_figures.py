import io
from random import Random

import pytest

from chatire_replay.figures import Figures, Row, percentiles, table
from chatire_replay.pace import Pace
from chatire_replay.progress import Progress
from chatire_replay.watchers import Weather


def figures(**changes):
    fields = {
        "seed": 1,
        "speed": "max",
        "people": 3,
        "spoken": 1001,
        "skipped": 1,
        "notices": {"note": 2},
        "seconds": 2.0,
        "channels": [Row("garden", sent=1000, acked=1000, stored=1000)],
        "watchers": [Row("watcher-1", delivered=1000), Row("watcher-2", delivered=1000)],
        "drops": 1,
        "resumes": 1,
        "resyncs": 0,
        "killed": [],
        "refused": 0,
        "foreign": 0,
        "ack_ms": {"p50": 1.0},
        "delivery_ms": {},
    }
    return Figures(**(fields | changes))


def test_a_clean_run_has_nothing_wrong():
    assert figures().wrong == 0
    assert "every line is there" in table(figures())
    assert figures().per_second == 500.0


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": [Row("garden", sent=1000, acked=999, stored=1000)]},
        {"channels": [Row("garden", sent=1000, acked=1000, stored=999)]},
        {"channels": [Row("garden", sent=1000, acked=1000, stored=1000, changed=1)]},
        {"watchers": [Row("watcher-1", delivered=999)]},
        {"watchers": [Row("watcher-1", delivered=1000, duplicated=1)]},
        {"refused": 1},
        {"foreign": 1},
    ],
)
def test_anything_that_differs_is_wrong(changes):
    assert figures(**changes).wrong > 0
    assert "WRONG" in table(figures(**changes))


def test_the_columns_line_up():
    lines = table(figures()).splitlines()
    head, rule, row, _, total = lines[1:6]
    assert len({len(line) for line in (head, rule, row, total)}) == 1
    assert total.split()[:4] == ["total", "1,000", "1,000", "1,000"]


def test_percentiles_are_of_the_nearest_rank():
    assert percentiles(n / 1000 for n in range(1, 101)) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert percentiles([0.002]) == {"p50": 2.0, "p95": 2.0, "p99": 2.0, "max": 2.0}
    assert percentiles([]) == {}


@pytest.mark.parametrize("speed", ["fast", "0", "-1", "nan", "inf"])
def test_a_speed_that_makes_no_sense_is_refused(speed):
    with pytest.raises(ValueError, match=r"speed|float"):
        Pace.named(speed)


def test_progress_that_is_not_on_a_terminal_is_a_line_for_each_tenth():
    stream = io.StringIO()
    progress = Progress(100, stream)
    for done in range(1, 101):
        progress.at(done)
    assert len(stream.getvalue().splitlines()) == 10


class Member:
    def __init__(self):
        self.online, self.changes = True, 0

    def lose_network(self):
        assert self.online
        self.online, self.changes = False, self.changes + 1

    def regain_network(self):
        assert not self.online
        self.online, self.changes = True, self.changes + 1


@pytest.mark.parametrize("seed", range(50))
def test_a_fifth_of_the_watchers_loses_the_network_and_everybody_has_it_in_the_end(seed):
    members = [Member() for _ in range(20)]
    weather = Weather(members, 300, Random(seed))
    for sent in range(1, 301):
        weather.at(sent)
    weather.clear()
    assert all(member.online for member in members)
    assert sum(member.changes > 0 for member in members) == 4


def test_the_same_seed_brings_the_same_weather():
    def run(seed):
        members = [Member() for _ in range(20)]
        weather = Weather(members, 300, Random(seed))
        trace = []
        for sent in range(1, 301):
            weather.at(sent)
            trace.append([member.online for member in members])
        return trace

    assert run(5) == run(5)
    assert run(5) != run(6)
