from chatire_client import Ack, Event
from chatire_replay.ledger import Entry, Faults, Ledger, Sight


def ledger_of(*bodies):
    ledger = Ledger("garden", "c", {"ada": "ada-id", "grace": "grace-id"})
    for line, body in enumerate(bodies, start=1):
        ledger.sent(Entry(f"id{line}", "ada", line, body, sent_at=0.0))
        ledger.acked(Ack(f"id{line}", "c", line + 10, f"m{line}"), at=0.1)
    return ledger


def message(line, body, **changes):
    sender = {"id": "ada-id", "username": "ada", "display_name": "Ada"}
    return {"id": f"m{line}", "client_id": f"id{line}", "seq": line + 10, "body": body, "sender": sender} | changes


def created(line, body, **changes):
    data = message(line, body, **changes)
    return Event("c", data["seq"], "message.created", "ada-id", data)


def history_of(ledger, *messages):
    ledger.check_stored(list(messages))
    return ledger.faults


def sight_of(ledger, *events):
    faults = Faults()
    sight = Sight(ledger, faults, begins_at=10)
    for event in events:
        sight.see(event)
    sight.settle()
    return faults


def counts(faults):
    names = ("missing", "duplicated", "out_of_order", "changed", "refused", "foreign")
    return {name: getattr(faults, name) for name in names if getattr(faults, name)}


def test_a_history_that_is_what_was_sent_has_no_fault():
    ledger = ledger_of("a", "b")
    assert counts(history_of(ledger, message(1, "a"), message(2, "b"))) == {}
    assert ledger.stored == 2


def test_an_acknowledged_line_that_is_not_stored_is_missing():
    assert counts(history_of(ledger_of("a", "b"), message(2, "b"))) == {"missing": 1}


def test_a_line_stored_twice_is_a_duplicate():
    again = message(1, "a", seq=12, id="m9")
    assert history_of(ledger_of("a"), message(1, "a"), again).duplicated == 1


def test_one_byte_more_is_a_change():
    assert counts(history_of(ledger_of("a"), message(1, "a "))) == {"changed": 1}


def test_a_foreign_author_is_a_change():
    assert counts(history_of(ledger_of("a"), message(1, "a", sender={"id": "grace-id"}))) == {"changed": 1}


def test_lines_of_one_author_in_another_order_are_a_fault():
    ledger = Ledger("garden", "c", {"ada": "ada-id"})
    for line in (1, 2):
        ledger.sent(Entry(f"id{line}", "ada", line, "x", sent_at=0.0))
    history = [message(2, "x", seq=11), message(1, "x", seq=12)]
    assert counts(history_of(ledger, *history)) == {"out_of_order": 1}


def test_another_seq_than_the_acknowledged_one_is_a_fault():
    assert counts(history_of(ledger_of("a"), message(1, "a", seq=20))) == {"out_of_order": 1}


def test_what_nobody_sent_is_foreign():
    assert counts(history_of(ledger_of(), message(7, "spam"))) == {"foreign": 1}


def test_a_watcher_who_sees_everything_once_and_in_order_has_nothing_to_tell():
    assert counts(sight_of(ledger_of("a", "b"), created(1, "a"), created(2, "b"))) == {}


def test_a_watcher_tells_a_hole_and_what_is_missing():
    assert counts(sight_of(ledger_of("a", "b"), created(2, "b"))) == {"missing": 1, "out_of_order": 1}


def test_a_watcher_tells_an_event_that_comes_twice():
    assert counts(sight_of(ledger_of("a"), created(1, "a"), created(1, "a"))) == {"duplicated": 1}


def test_a_watcher_tells_events_in_the_wrong_order():
    faults = sight_of(ledger_of("a", "b"), created(2, "b"), created(1, "a"))
    assert faults.out_of_order == 2
    assert faults.missing == 0


def test_a_watcher_tells_a_changed_text():
    assert counts(sight_of(ledger_of("a"), created(1, "A"))) == {"changed": 1}


def test_after_a_resync_the_fetched_comes_before_what_came_meanwhile():
    ledger = ledger_of("a", "b", "c")
    faults = Faults()
    sight = Sight(ledger, faults, begins_at=10)
    assert sight.hold() == 10
    sight.see(created(3, "c"))
    sight.heal([created(1, "a"), created(2, "b")])
    sight.settle()
    assert counts(faults) == {}
    assert sight.latest == 13
