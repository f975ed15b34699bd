"""What is told in the end is what was counted."""

from __future__ import annotations

import json

from chatire_faults.checker import check
from chatire_faults.figures import Run, percentiles, summed_up, table
from chatire_faults.history import CREATED, Device, History, Note, Sent, Stored, StoredEvent, What
from chatire_faults.nemesis import Injected
from chatire_faults.prober import Probe


def told(*, acks=(2,), shown_at=12.0, since=0.0, gave_up=()):
    events = [
        StoredEvent(1, "member.added", 1.0, {"user_id": "ada"}),
        StoredEvent(2, CREATED, 10.0, {"sender": {"id": "ada"}, "client_id": "m", "body": "words"}),
    ]
    log = [Note(What.PLACED, "garden", 1), Note(What.SHOWN, "garden", 2, shown_at, CREATED, "words", since)]
    history = History(
        [Sent("m", "garden", "ada", "words", 9.5, list(acks), 10.5)],
        [Device("ada's", "ada", log=log, connections=1)],
        [Stored("garden", 2, events)],
    )
    faults = [
        Injected("kill-relay", "relay", 9.0, 9.1),
        Injected("kill-valkey", "valkey", 20.0, 20.1),
        Injected("kill-auth", "auth is down", 30.0, 31.0, skipped=True),
    ]
    probes = [Probe(9.2, 9.3, worked=False), Probe(9.4, 11.0, worked=True), Probe(11.1, 11.2, worked=True)]
    return summed_up(Run(1, 60.0, faults, probes, list(gave_up), []), history, check(history))


def test_each_kind_is_told_with_the_worst_of_its_time():
    rows = {row.kind: row for row in told().rows}
    relay = rows["kill-relay"]
    assert (relay.times, relay.worst_away_ms, relay.worst_ack_ms, relay.worst_shown_ms) == (1, 2000.0, 1000.0, 2000.0)
    assert (rows["kill-valkey"].times, rows["kill-valkey"].worst_shown_ms) == (1, 0.0)
    assert (rows["kill-auth"].times, rows["kill-auth"].skipped) == (0, 1)
    assert (told().faults, told().kinds) == (2, 2)


def test_time_offline_is_no_gap_but_is_told():
    figures = told(shown_at=12.0, since=11.9)
    assert figures.gap_ms["max"] == 100.0
    assert figures.gap_with_offline_ms["max"] == 2000.0


def test_a_breach_and_a_client_that_gave_up_are_wrong():
    assert told().wrong == 0
    assert told(acks=(2, 3)).breaches["doubled"] == 1
    assert told(acks=(2, 3)).wrong == 1
    assert told(gave_up=["ada's gave up"]).wrong == 1


def test_the_table_names_the_seed_and_the_verdict():
    assert "--seed 1" in table(told())
    assert "every promise was kept" in table(told())
    assert "1 THINGS ARE WRONG" in table(told(acks=(2, 3)))


def test_the_figures_are_json():
    assert json.loads(json.dumps(told().as_json()))["faults"] == 2


def test_percentiles_are_by_nearest_rank():
    assert percentiles(range(1, 101)) == {"p50": 50_000, "p99": 99_000, "max": 100_000}
    assert percentiles([]) == {}
