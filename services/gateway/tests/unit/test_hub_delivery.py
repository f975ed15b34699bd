"""Order, gaps and heads: what every socket gets of a conversation, whatever the bus does."""

from __future__ import annotations

import pytest
from stage import Stage
from truth import id_of

from gateway_service.realtime import effects as fx
from gateway_service.realtime.conversation import MAX_HELD
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.ring import Entry

ADA, GRACE = id_of("ada"), id_of("grace")
LOBBY = id_of("lobby")


@pytest.fixture
def stage() -> Stage:
    """Ada and Grace in the lobby, each with a socket; everything so far was heard."""
    stage = Stage()
    stage.truth.create("lobby", [ADA, GRACE])
    stage.open("desk", ADA)
    stage.open("phone", GRACE)
    stage.settle()
    return stage


def seqs(stage: Stage, name: str) -> list[int]:
    return [seq for _, seq in stage.watchers[name].seen]


def test_an_event_reaches_every_socket_as_the_same_bytes(stage: Stage) -> None:
    stage.open("laptop", ADA)
    _, (conversation, epoch, entry) = stage.truth.post(LOBBY, ADA)[0]
    (effect,) = stage.hub.event(conversation, epoch, entry)
    assert isinstance(effect, fx.Deliver)
    assert set(effect.sessions) == {"desk", "phone", "laptop"}
    assert effect.frame is entry.frame
    assert effect.at_us == 1


def test_a_repeated_event_is_dropped(stage: Stage) -> None:
    stage.publish(stage.truth.post(LOBBY, ADA) * 3)
    stage.hear_all()
    assert seqs(stage, "desk") == [3]
    assert stage.hub.counters.duplicates == 2


def test_events_that_overtake_each_other_come_in_order_without_a_fetch(stage: Stage) -> None:
    for _ in range(3):
        stage.publish(stage.truth.post(LOBBY, ADA))
    for index in (2, 1, 0):
        stage.hear(index)
    assert seqs(stage, "desk") == [3, 4, 5]
    stage.expire_hold()
    assert stage.fetches == []


def test_a_gap_is_fetched_when_its_hold_expires(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "desk") == []
    assert stage.fetches == []
    stage.expire_hold()
    assert stage.fetches == [(LOBBY, 2)]
    stage.fetch()
    assert seqs(stage, "desk") == seqs(stage, "phone") == [3, 4]


def test_while_a_gap_is_fetched_it_is_not_fetched_again(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    for _ in range(3):
        stage.publish(stage.truth.post(LOBBY, ADA))
        stage.hear_all()
        while stage.holds:
            stage.expire_hold()
    assert stage.fetches == [(LOBBY, 2)]
    stage.settle()
    assert seqs(stage, "desk") == [3, 4, 5, 6]


def test_very_many_early_events_take_bounded_memory_and_still_arrive(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    for _ in range(3 * MAX_HELD):
        stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert len(stage.hub._state.conversations[LOBBY].held) == MAX_HELD
    stage.settle()
    assert seqs(stage, "phone") == list(range(3, 3 * MAX_HELD + 4))


def test_a_healed_gap_is_paced_by_each_socket_for_itself(stage: Stage) -> None:
    for _ in range(300):
        stage.truth.post(LOBBY, ADA)
    stage.room = 1
    stage.tick()
    stage.expire_hold()
    stage.fetch()
    assert 0 < len(seqs(stage, "desk")) <= 100
    for _ in range(3):
        stage.run(stage.hub.pump("desk", 1 << 30))
    stage.fetch()
    stage.run(stage.hub.pump("desk", 1 << 30))
    assert seqs(stage, "desk") == list(range(3, 303))
    assert 0 < len(seqs(stage, "phone")) < 300
    stage.settle()
    assert seqs(stage, "phone") == list(range(3, 303))


def test_a_lost_last_event_shows_in_a_tick_and_is_given_a_moment(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    stage.tick()
    assert stage.holds == [LOBBY]
    assert stage.fetches == []
    stage.settle()
    assert seqs(stage, "desk") == [3]
    assert stage.hub.counters.repairs == 1


def test_an_event_that_comes_right_after_its_tick_is_no_repair(stage: Stage) -> None:
    late = stage.truth.post(LOBBY, ADA)
    stage.tick()
    stage.publish(late)
    stage.hear_all()
    stage.settle()
    assert seqs(stage, "desk") == [3]
    assert stage.hub.counters.repairs == 0


def test_a_position_check_finds_what_every_tick_missed(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    stage.head_checks.append(LOBBY)
    stage.check_heads()
    assert stage.fetches == [(LOBBY, 2)]
    stage.settle()
    assert seqs(stage, "desk") == [3]


def test_an_invented_head_is_disbelieved_after_one_look(stage: Stage) -> None:
    stage.run(stage.hub.ticked({LOBBY: 1_000_000}))
    stage.settle()
    assert not stage.hub._state.conversations[LOBBY].is_behind
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "desk") == [3]


def test_an_invented_event_far_ahead_is_never_delivered_and_forgotten(stage: Stage) -> None:
    epoch = stage.truth.logs[LOBBY].epoch
    stage.run(stage.hub.event(LOBBY, epoch, Entry(900, Frame(b'{"type":"event"}'))))
    stage.settle()
    conversation = stage.hub._state.conversations[LOBBY]
    assert (conversation.held, conversation.head) == ({}, 2)


def test_a_position_past_the_end_of_the_log_heals_by_resync(stage: Stage) -> None:
    """Only somebody who can publish in our place can cause it; nobody waits for ever for what will never be."""
    epoch = stage.truth.logs[LOBBY].epoch
    stage.truth.logs[LOBBY].troubled = True
    stage.close("desk")
    stage.close("phone")
    stage.run(stage.hub.event(LOBBY, epoch, Entry(3, Frame(b"{}"))))
    stage.hub._state.conversations[LOBBY].ring.clear()
    watcher = stage.open("tablet", ADA, {LOBBY: 0})
    stage.settle()
    assert watcher.seen == [(LOBBY, 1), (LOBBY, 2)]
    assert watcher.last == {LOBBY: 2}
    assert stage.hub.counters.forged == 1
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert watcher.last == {LOBBY: 3}


def test_an_answer_that_is_merely_older_than_what_came_meanwhile_sends_nobody_to_http(stage: Stage) -> None:
    """A false tick is enough to ask for what isn't there yet; the watcher of each socket refuses a needless `resync`."""
    stage.run(stage.hub.ticked({LOBBY: 5}))
    stage.expire_hold()
    stage.read_range()
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    stage.apply_range()
    stage.heal()
    assert stage.hub.counters.forged == 0
    stage.assert_everybody_has_everything()


def test_a_fetch_that_finds_less_than_was_heard_meanwhile_is_followed_by_another(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA)
    stage.tick()
    stage.expire_hold()
    stage.read_range()
    stage.truth.post(LOBBY, ADA)
    stage.head_checks.append(LOBBY)
    stage.check_heads()
    stage.apply_range()
    assert seqs(stage, "desk") == [3]
    stage.settle()
    assert seqs(stage, "desk") == [3, 4]


def test_a_socket_that_knows_more_than_we_do_gets_nothing_twice(stage: Stage) -> None:
    late = stage.truth.post(LOBBY, ADA)
    stage.open("tablet", GRACE)
    assert stage.watchers["tablet"].last == {LOBBY: 3}
    stage.publish(late)
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "phone") == [3, 4]
    assert seqs(stage, "tablet") == [4]


def test_a_socket_that_knew_more_goes_on_when_the_event_it_knew_was_a_removal(stage: Stage) -> None:
    late = stage.truth.remove(LOBBY, ADA)
    stage.open("tablet", GRACE)
    stage.publish(late)
    stage.publish(stage.truth.post(LOBBY, GRACE))
    stage.hear_all()
    assert seqs(stage, "tablet") == [4]
    assert seqs(stage, "desk") == [3]


def test_an_event_of_another_epoch_asks_where_the_log_stands(stage: Stage) -> None:
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    stage.truth.restore(LOBBY, 0)
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "desk") == [3]
    assert stage.head_checks == [LOBBY]
    stage.settle()
    assert stage.watchers["desk"].last == {LOBBY: 3}
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "desk") == [3, 4]


def test_after_a_restore_nobody_gets_anything_before_it_is_known_that_they_may(stage: Stage) -> None:
    stage.truth.restore(LOBBY, 0)
    stage.publish(stage.truth.remove(LOBBY, GRACE)[:1])
    stage.head_checks.append(LOBBY)
    stage.check_heads()
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear_all()
    assert seqs(stage, "phone") == seqs(stage, "desk") == []
    stage.settle()
    assert stage.watchers["phone"].last == {}
    assert stage.watchers["desk"].last == {LOBBY: 4}


def test_an_event_of_a_conversation_nobody_watches_is_nothing(stage: Stage) -> None:
    assert stage.hub.event(id_of("elsewhere"), id_of("epoch"), Entry(1, Frame(b"{}"))) == []


def test_typing_goes_to_the_others_and_not_to_other_devices_of_the_typist(stage: Stage) -> None:
    stage.open("laptop", ADA)
    (effect,) = stage.hub.typing(LOBBY, ADA, state=True)
    assert isinstance(effect, fx.Deliver)
    assert effect.sessions == ("phone",)
    assert effect.frame.droppable
    assert stage.hub.typing(id_of("elsewhere"), ADA, state=True) == []
