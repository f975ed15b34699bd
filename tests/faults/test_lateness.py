"""What counts as late: more than 5 s in which nothing stood in the way."""

from __future__ import annotations

import pytest

from chatire_faults.checker import Verdict
from chatire_faults.history import CREATED, Device, History, Note, Stored, StoredEvent, What
from chatire_faults.lateness import broken_times, check_lateness
from chatire_faults.prober import Probe

ROOM = "the garden"
COMMITTED = 100.0


def late(shown: float, *, since: float = 0.0, broken=(), direct: bool = True, what: What = What.SHOWN) -> int:
    event = StoredEvent(1, CREATED, COMMITTED, {})
    device = Device("ada", "ada", direct=direct, log=[Note(what, ROOM, 1, shown, CREATED, None, since)])
    verdict = Verdict()
    check_lateness(History([], [device], [Stored(ROOM, 1, [event])]), broken, verdict)
    return verdict.counts["late"]


@pytest.mark.parametrize(
    ("shown", "since", "broken", "count"),
    [
        (104.9, 0.0, [], 0),
        (105.1, 0.0, [], 1),
        (130.0, 125.5, [], 0),  # The device was away until then.
        (130.0, 124.0, [], 1),
        (109.0, 0.0, [(101.0, 106.0)], 0),  # A frozen process can't deliver.
        (112.0, 0.0, [(101.0, 106.0)], 1),
        (112.0, 0.0, [(90.0, 101.0), (102.0, 104.0), (106.0, 111.0), (120.0, 130.0)], 0),
        (112.0, 0.0, [(10.0, 20.0), (111.0, 113.0)], 1),
    ],
)
def test_only_time_in_which_nothing_was_broken_counts(shown, since, broken, count):
    assert late(shown, since=since, broken=broken) == count


def test_a_device_on_a_bad_line_is_never_late():
    assert late(200.0, direct=False) == 0


def test_what_a_resync_made_it_fetch_is_not_late():
    assert late(200.0, what=What.FETCHED) == 0


def test_broken_is_what_a_fault_lasts_and_when_nobody_could_post():
    probes = [
        Probe(1.0, 1.1, worked=True),
        Probe(5.0, 6.5, worked=True),  # Slow.
        Probe(6.6, 6.7, worked=False),
        Probe(9.0, 9.2, worked=True),
    ]
    assert broken_times([(6.0, 6.65), (20.0, 21.0)], probes) == [(5.0, 6.7), (20.0, 21.0)]
