from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_service.realtime.frames import Frame
from gateway_service.realtime.ring import (
    EVERYBODY,
    MAX_BYTES,
    MAX_FRAMES,
    Entry,
    Ring,
    Shelf,
    entry_from_body,
    entry_from_envelope,
)


def filled(count: int, size: int = 10, first: int = 1) -> Ring:
    ring = Ring()
    for seq in range(first, first + count):
        ring.append(Entry(seq, Frame(b"x" * size)))
    return ring


def test_over_the_bound_of_all_the_ring_that_has_not_grown_for_the_longest_is_emptied() -> None:
    shelf = Shelf(most_bytes=1_000)
    quiet, busy, third = Ring(shelf), Ring(shelf), Ring(shelf)
    for ring in (busy, quiet, busy):
        ring.append(Entry(2 if ring.covers(1) else 1, Frame(b"x" * 250)))
    assert shelf.bytes == 750
    third.append(Entry(1, Frame(b"x" * 400)))
    assert (quiet.covers(1), busy.covers(1), busy.covers(2), third.covers(1)) == (False, True, True, True)
    assert shelf.bytes == 900
    quiet.append(Entry(2, Frame(b"x" * 50)))
    assert (quiet.covers(1), quiet.covers(2)) == (False, True)


def test_what_a_ring_lets_go_counts_no_more() -> None:
    shelf = Shelf()
    ring = Ring(shelf)
    for seq in range(1, 3 * MAX_FRAMES):
        ring.append(Entry(seq, Frame(b"x" * 10)))
    assert shelf.bytes == 10 * MAX_FRAMES
    ring.clear()
    ring.clear()
    assert shelf.bytes == 0


def test_a_single_ring_keeps_what_it_may_whatever_the_bound_of_all() -> None:
    ring = Ring(Shelf(most_bytes=5))
    ring.append(Entry(1, Frame(b"x" * 10)))
    assert ring.covers(1)


def test_an_empty_ring_covers_nothing() -> None:
    assert not Ring().covers(1)


def test_the_oldest_go_when_there_are_too_many() -> None:
    ring = filled(MAX_FRAMES + 5)
    assert not ring.covers(5)
    assert ring.covers(6)
    assert [entry.seq for entry in ring.since(6)] == list(range(6, MAX_FRAMES + 6))


def test_the_oldest_go_when_they_are_too_large() -> None:
    ring = filled(10, size=MAX_BYTES // 4)
    assert [entry.seq for entry in ring.since(7)] == [7, 8, 9, 10]
    assert not ring.covers(6)


def test_an_event_larger_than_the_ring_leaves_it_empty_and_sound() -> None:
    ring = filled(3)
    ring.append(Entry(4, Frame(b"x" * (MAX_BYTES + 1))))
    assert not ring.covers(4)
    ring.append(Entry(5, Frame(b"x")))
    assert ring.covers(5)
    assert not ring.covers(4)


def test_since_begins_where_it_is_asked_to() -> None:
    assert [entry.seq for entry in filled(5, first=10).since(13)] == [13, 14]


def body(**changes: Any) -> str:
    return json.dumps({"type": "event", "seq": 3, "kind": "message.created", "data": {}} | changes)


def test_a_removal_names_who_is_out() -> None:
    removal = body(kind="member.removed", data={"user_id": "grace"})
    entry = entry_from_body(removal)
    assert entry is not None
    assert (entry.seq, entry.removes, entry.at_us) == (3, "grace", 0)
    assert entry.frame.payload == removal.encode()
    envelope = entry_from_envelope(kind="member.removed", seq=3, body=removal.encode(), at_us=7)
    assert envelope is not None
    assert (envelope.removes, envelope.at_us) == ("grace", 7)


def test_a_deletion_removes_everybody() -> None:
    deletion = body(kind="conversation.deleted")
    for entry in (
        entry_from_body(deletion),
        entry_from_envelope(kind="conversation.deleted", seq=3, body=deletion.encode(), at_us=1),
    ):
        assert entry is not None
        assert entry.removes == EVERYBODY


def test_the_body_of_anything_else_is_not_even_looked_at() -> None:
    entry = entry_from_envelope(kind="message.created", seq=1, body=b"not json", at_us=1)
    assert entry is not None
    assert entry.removes is None


def test_a_removal_of_nobody_knows_whom_is_no_event() -> None:
    """Better to fetch it from the messages service than to go on delivering to the one who is out."""
    for broken in (b"not json", b"[]", b"{}", b'{"data":5}', b'{"data":{"user_id":5}}'):
        assert entry_from_envelope(kind="member.removed", seq=1, body=broken, at_us=1) is None


@pytest.mark.parametrize("broken", ["", "[]", "{}", body(seq="3"), body(seq=True), body(kind=None), "{" + body()])
def test_what_is_no_event_is_no_entry(broken: str) -> None:
    assert entry_from_body(broken) is None
