"""The checker must bite: a history is spoiled in every way it is there to find, and it has to say which."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from chatire_faults.checker import check
from chatire_faults.history import (
    CREATED,
    DELETED,
    EDITED,
    Change,
    Device,
    History,
    Note,
    Sent,
    Stored,
    StoredEvent,
    What,
)

ROOM = "the garden"
ADA, GRACE, LINUS = "ada", "grace", "linus"
REMOVED_AT, BACK_AT, HEAD = 6, 8, 9


def member(seq: int, kind: str, user: str) -> StoredEvent:
    return StoredEvent(seq, f"member.{kind}", float(seq), {"user_id": user})


def message(seq: int, sender: str) -> StoredEvent:
    data = {"sender": {"id": sender}, "client_id": f"m{seq}", "body": f"words {seq}"}
    return StoredEvent(seq, CREATED, float(seq), data)


def note(event: StoredEvent, what: What = What.SHOWN) -> Note:
    return Note(what, ROOM, event.seq, event.at + 0.1, event.kind, event.data.get("body"))


def device(user: str, *log: Note) -> Device:
    return Device(f"{user}'s device", user, log=list(log))


def sent(event: StoredEvent) -> Sent:
    data = event.data
    return Sent(data["client_id"], ROOM, data["sender"]["id"], data["body"], event.at - 0.1, [event.seq], event.at)


@pytest.fixture
def history() -> History:
    """Ada and Grace talk; Linus is removed (6) and comes back (8) into a room that hides its past."""
    events = [member(1, "added", ADA), member(2, "added", GRACE), member(3, "added", LINUS)]
    events += [message(4, ADA), message(5, GRACE), member(REMOVED_AT, "removed", LINUS), message(7, ADA)]
    events += [member(BACK_AT, "added", LINUS), message(HEAD, GRACE)]
    start = Note(What.PLACED, ROOM, 3)
    there = [note(event) for event in events[3:]]
    linus = [start, *there[:3], Note(What.LEFT, ROOM, REMOVED_AT), Note(What.PLACED, ROOM, BACK_AT - 1), *there[4:]]
    devices = [device(ADA, start, *there), device(GRACE, start, *there), device(LINUS, *linus)]
    said = [sent(event) for event in events if event.kind == CREATED]
    return History(said, devices, [Stored(ROOM, HEAD, events, hides_past=True)])


def breaches(history: History) -> dict[str, int]:
    return {name: count for name, count in check(history).counts.items() if count}


def log_of(history: History, user: str) -> list[Note]:
    return next(each.log for each in history.devices if each.user == user)


def position(log: list[Note], seq: int) -> int:
    return next(at for at, each in enumerate(log) if each.what is What.SHOWN and each.seq == seq)


def test_a_history_as_it_should_be_passes(history):
    verdict = check(history)
    assert (verdict.breaches, verdict.examples) == (0, [])
    assert (verdict.messages_stored, verdict.events_shown) == (4, 6 + 6 + 5)


def an_acked_message_is_not_stored(history):
    history.stored[0].events[3] = member(4, "role_changed", GRACE)
    for user in (ADA, GRACE, LINUS):
        log = log_of(history, user)
        log[position(log, 4)] = note(history.stored[0].events[3])


def a_member_never_gets_the_last_message(history):
    log_of(history, GRACE).pop()


def a_device_never_heard_of_its_conversation(history):
    log_of(history, GRACE).clear()


def what_was_shown_is_not_stored(history):
    log_of(history, ADA).append(Note(What.SHOWN, ROOM, HEAD + 1, 10.1, CREATED, "words 10"))


def a_resync_is_not_made_up_for(history):
    log = log_of(history, ADA)
    at = position(log, 7)
    log[at : at + 2] = [Note(What.RESYNCED, ROOM, 8)]


def an_event_is_shown_twice(history):
    log = log_of(history, ADA)
    log.insert(position(log, 5), log[position(log, 4)])


def a_message_is_stored_twice(history):
    again = message(HEAD, GRACE)
    again.data["client_id"] = "m5"
    history.stored[0].events[-1] = again
    history.sent.pop()


def a_message_is_acknowledged_as_two(history):
    history.sent[0].acks.append(7)


def a_seq_is_stored_twice(history):
    history.stored[0].events.append(copy.deepcopy(history.stored[0].events[5]))


def two_events_change_places(history):
    log = log_of(history, ADA)
    at = position(log, 5)
    log[at], log[at + 1] = log[at + 1], log[at]


def a_seq_is_missing_in_the_store(history):
    del history.stored[0].events[5]
    for user in (ADA, GRACE):
        log = log_of(history, user)
        log[position(log, REMOVED_AT)] = Note(What.PLACED, ROOM, REMOVED_AT)


def an_event_is_left_out_on_a_device(history):
    log = log_of(history, ADA)
    del log[position(log, 5)]


def somebody_removed_is_shown_what_follows(history):
    log = log_of(history, LINUS)
    log.insert(position(log, REMOVED_AT) + 1, note(history.stored[0].events[6]))


def somebody_is_shown_more_after_left(history):
    log = log_of(history, LINUS)
    log.insert(position(log, BACK_AT) - 1, log.pop(position(log, BACK_AT)))


def a_stranger_is_shown_something(history):
    history.devices.append(device("mallory", Note(What.PLACED, ROOM, 3), note(history.stored[0].events[3])))


def a_conversation_nobody_knows_is_shown(history):
    log_of(history, ADA).append(Note(What.SHOWN, "the cellar", 1))


def a_body_is_stored_otherwise(history):
    history.sent[0].body = "other words"


def a_body_is_shown_otherwise(history):
    log = log_of(history, ADA)
    log[position(log, 4)] = Note(What.SHOWN, ROOM, 4, 4.1, CREATED, "other words")


def a_send_is_never_answered(history):
    history.sent.append(Sent("m10", ROOM, ADA, "words 10", 10.0))


def a_member_is_refused(history):
    history.sent.append(Sent("m10", ROOM, ADA, "words 10", 10.0, refused="not_found"))


def an_edit_that_was_answered_is_not_in_the_log(history):
    history.changes.append(Change(EDITED, ROOM, "id of m4", "better words", answered=True))


def a_deletion_that_was_answered_is_not_in_the_log(history):
    history.changes.append(Change(DELETED, ROOM, "id of m4", None, answered=True))


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (an_acked_message_is_not_stored, "lost"),
        (a_member_never_gets_the_last_message, "lost"),
        (a_device_never_heard_of_its_conversation, "lost"),
        (what_was_shown_is_not_stored, "lost"),
        (a_resync_is_not_made_up_for, "lost"),
        (an_event_is_shown_twice, "doubled"),
        (a_message_is_stored_twice, "doubled"),
        (a_message_is_acknowledged_as_two, "doubled"),
        (a_seq_is_stored_twice, "doubled"),
        (two_events_change_places, "reordered"),
        (a_seq_is_missing_in_the_store, "holes"),
        (an_event_is_left_out_on_a_device, "holes"),
        (somebody_removed_is_shown_what_follows, "leaked"),
        (somebody_is_shown_more_after_left, "leaked"),
        (a_stranger_is_shown_something, "leaked"),
        (a_conversation_nobody_knows_is_shown, "leaked"),
        (a_body_is_stored_otherwise, "altered"),
        (a_body_is_shown_otherwise, "altered"),
        (a_send_is_never_answered, "unsettled"),
        (a_member_is_refused, "refused"),
        (an_edit_that_was_answered_is_not_in_the_log, "lost"),
        (a_deletion_that_was_answered_is_not_in_the_log, "lost"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_a_spoiled_history_is_found_out(history: History, spoil: Callable[[History], None], found: str):
    spoil(history)
    assert breaches(history).get(found, 0) >= 1, breaches(history)


def test_a_change_that_nobody_answered_may_be_absent(history):
    history.changes.append(Change(EDITED, ROOM, "id of m4", "better words"))
    assert breaches(history) == {}


def test_an_edit_of_what_was_deleted_afterwards_may_be_gone_with_it(history):
    history.changes += [Change(EDITED, ROOM, "id of m9", "better", True), Change(DELETED, ROOM, "id of m9", None, True)]
    gone = StoredEvent(HEAD + 1, DELETED, 10.0, {"id": "id of m9", "body": None, "deleted_at": "now"})
    history.stored[0].events.append(gone)
    history.stored[0].last_seq = gone.seq
    for each in history.devices:
        each.log.append(note(gone))
    assert breaches(history) == {}


def test_what_was_shown_before_its_deletion_is_not_altered_by_it(history):
    history.stored[0].events[3].data.update(body=None, deleted_at="now")
    assert breaches(history) == {}
    log = log_of(history, ADA)
    log[position(log, 4)] = Note(What.SHOWN, ROOM, 4, 4.1, CREATED, "words that nobody said")
    assert breaches(history) == {"altered": 1}


def test_what_was_not_acknowledged_may_be_absent_or_there_once(history):
    history.sent[0].acks.clear()
    history.sent[0].refused = None
    history.sent.append(Sent("m10", ROOM, LINUS, "words 10", 10.0, refused="not_found"))
    history.sent[0].sender, history.stored[0].events[3].data["sender"]["id"] = LINUS, LINUS
    history.sent[
        0
    ].refused = "not_found"  # The first try was committed, its ack lost; the second came after the removal.
    assert breaches(history) == {}


def test_whoever_was_away_at_the_removal_may_have_missed_what_came_before_it(history):
    log = log_of(history, LINUS)
    del log[position(log, 5) : position(log, REMOVED_AT) + 2]
    assert breaches(history) == {}


def test_where_the_past_is_not_hidden_whoever_comes_back_may_see_it_all(history):
    history.stored[0].hides_past = False
    log = log_of(history, LINUS)
    at = position(log, BACK_AT) - 1
    log[at - 1 : at + 1] = [note(history.stored[0].events[6])]
    assert breaches(history) == {}


def test_a_resync_is_made_up_for_by_fetching(history):
    log = log_of(history, ADA)
    at = position(log, 7)
    log[at] = Note(What.RESYNCED, ROOM, 7)
    log.append(note(history.stored[0].events[6], What.FETCHED))
    assert breaches(history) == {}
