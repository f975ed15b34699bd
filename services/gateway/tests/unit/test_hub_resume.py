"""Cursors: everything after them, or `resync`, or `left`; never a part (G5)."""

from __future__ import annotations

import pytest
from stage import Stage
from truth import id_of

from gateway_service.realtime import effects as fx
from gateway_service.realtime.belonging import MAX_REPLAY
from gateway_service.realtime.frames import MAX_EVENTS_BYTES
from gateway_service.realtime.ring import MAX_FRAMES, entry_from_body

ADA, GRACE = id_of("ada"), id_of("grace")
LOBBY, LAB = id_of("lobby"), id_of("lab")


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.truth.create("lobby", [ADA, GRACE])
    return stage


def say(stage: Stage, count: int, place: str = LOBBY) -> None:
    for _ in range(count):
        stage.publish(stage.truth.post(place, ADA))
    stage.hear_all()


def seqs(stage: Stage, name: str, place: str = LOBBY) -> list[int]:
    return [seq for conversation, seq in stage.watchers[name].seen if conversation == place]


def test_what_the_ring_has_is_replayed_without_asking_anybody(stage: Stage) -> None:
    stage.open("desk", ADA)
    say(stage, MAX_FRAMES)
    stage.open("phone", GRACE, {LOBBY: 2})
    assert seqs(stage, "phone") == list(range(3, MAX_FRAMES + 3))
    assert stage.fetches == []


def test_older_events_are_fetched_and_join_the_ring_without_a_gap(stage: Stage) -> None:
    stage.open("desk", ADA)
    say(stage, 3 * MAX_FRAMES)
    stage.open("phone", GRACE, {LOBBY: 0})
    say(stage, 5)
    stage.settle()
    assert seqs(stage, "phone") == list(range(1, 3 * MAX_FRAMES + 8))


def test_a_replay_and_what_happens_meanwhile_come_in_order(stage: Stage) -> None:
    say(stage, 500)
    stage.open("phone", GRACE, {LOBBY: 1})
    say(stage, 3)
    assert seqs(stage, "phone") == []
    stage.fetch()
    say(stage, 3)
    assert seqs(stage, "phone") == list(range(2, 202))
    stage.settle()
    assert seqs(stage, "phone") == list(range(2, 509))


def test_many_sockets_with_the_same_cursor_ask_for_the_same_page_and_share_its_frames(stage: Stage) -> None:
    say(stage, 300)
    for number in range(50):
        stage.open(f"tab {number}", GRACE, {LOBBY: 10})
    assert set(stage.fetches) == {(LOBBY, 10)}
    answer = stage.truth.range_answer(LOBBY, 10, 200)
    entries = [entry for body in answer["bodies"] if (entry := entry_from_body(body))]
    pumps = stage.hub.fetched(
        LOBBY, 10, epoch=answer["epoch"], last_seq=answer["last_seq"], expired=False, entries=entries
    )
    sessions = [pump.session for pump in pumps if isinstance(pump, fx.Pump)]
    effects = [effect for session in sessions for effect in stage.hub.pump(session, 1 << 30)]
    frames = [effect.frame for effect in effects if isinstance(effect, fx.Deliver)]
    assert len(frames) == 50 * 2
    assert len({id(frame) for frame in frames}) == 2


def test_far_behind_is_resync_and_then_live(stage: Stage) -> None:
    say(stage, MAX_REPLAY + 10)
    stage.open("phone", GRACE, {LOBBY: 3})
    assert stage.watchers["phone"].last == {LOBBY: MAX_REPLAY + 12}
    say(stage, 1)
    assert seqs(stage, "phone") == [MAX_REPLAY + 13]


def test_as_far_behind_as_is_replayed_is_replayed(stage: Stage) -> None:
    say(stage, MAX_REPLAY)
    stage.open("phone", GRACE, {LOBBY: 2})
    stage.settle()
    assert seqs(stage, "phone") == list(range(3, MAX_REPLAY + 3))


def test_a_cursor_ahead_of_the_log_is_resync(stage: Stage) -> None:
    stage.open("phone", GRACE, {LOBBY: 50})
    assert stage.hub.counters.resyncs == 1
    assert stage.watchers["phone"].last == {LOBBY: 2}


def test_a_cursor_of_another_epoch_is_resync_however_plausible(stage: Stage) -> None:
    stage.open("phone", GRACE, {LOBBY: 1}, {LOBBY: id_of("before the restore")})
    assert stage.hub.counters.resyncs == 1
    assert seqs(stage, "phone") == []


def test_the_right_epoch_is_no_reason_to_resync(stage: Stage) -> None:
    stage.open("phone", GRACE, {LOBBY: 1}, {LOBBY: stage.truth.logs[LOBBY].epoch})
    stage.settle()
    assert seqs(stage, "phone") == [2]


def test_events_that_are_no_longer_kept_are_resync_and_never_a_part(stage: Stage) -> None:
    say(stage, 20)
    stage.truth.logs[LOBBY].kept_from = 10
    stage.open("phone", GRACE, {LOBBY: 3})
    stage.settle()
    assert stage.watchers["phone"].last == {LOBBY: 22}
    assert seqs(stage, "phone") == []
    say(stage, 1)
    assert seqs(stage, "phone") == [23]


def test_a_cursor_from_before_one_may_see_counts_as_the_beginning_of_what_one_may_see(stage: Stage) -> None:
    stage.truth.create("lab", [ADA], since_joined=True)
    say(stage, 5, LAB)
    stage.publish(stage.truth.add(LAB, GRACE))
    say(stage, 2, LAB)
    stage.open("phone", GRACE, {LAB: 0})
    stage.settle()
    assert seqs(stage, "phone", LAB) == [7, 8, 9]


def test_a_foreign_and_an_unknown_cursor_answer_alike(stage: Stage) -> None:
    stage.truth.create("lab", [ADA])
    opening = stage.expect("phone", GRACE)
    stage.read_opening(opening)
    memberships = stage.truth.memberships(GRACE)
    effects = stage.hub.attach("phone", memberships, {LAB: 1, id_of("nowhere"): 1}, {})
    told = [effect.frame.payload for effect in effects if isinstance(effect, fx.Deliver)]
    assert [payload.replace(LAB.encode(), b"?").replace(id_of("nowhere").encode(), b"?") for payload in told] == [
        b'{"type":"left","conversation":"?"}',
    ] * 2


def test_a_resume_in_midstream_brings_again_what_came_already(stage: Stage) -> None:
    stage.open("phone", GRACE)
    say(stage, 4)
    stage.resume("phone", {LOBBY: 3})
    assert seqs(stage, "phone") == [3, 4, 5, 6, 4, 5, 6]
    say(stage, 1)
    assert seqs(stage, "phone")[-1] == 7


def test_a_resync_of_one_conversation_goes_before_the_replay_of_another(stage: Stage) -> None:
    """A pump serves all conversations of a socket, so what was decided in the same call must be said before it."""
    stage.truth.create("lab", [ADA, GRACE])
    stage.open("desk", ADA)
    say(stage, 3)
    say(stage, 3, LAB)
    opening = stage.expect("phone", GRACE)
    stage.read_opening(opening)
    memberships = stage.truth.memberships(GRACE)
    effects = stage.hub.attach("phone", memberships, {LOBBY: 2, LAB: 99}, {})
    kinds = [type(effect).__name__ for effect in effects]
    assert kinds == ["Deliver", "Pump"]


def test_a_replay_goes_on_only_as_the_socket_takes_it(stage: Stage) -> None:
    stage.open("desk", ADA)
    say(stage, 120)
    stage.room = 1
    stage.open("phone", GRACE, {LOBBY: 2})
    first = len(seqs(stage, "phone"))
    assert first == 100
    stage.run(stage.hub.pump("phone", 1))
    assert len(seqs(stage, "phone")) == 120


def test_large_events_travel_in_small_bundles(stage: Stage) -> None:
    for _ in range(10):
        stage.truth.post(LOBBY, ADA, padding=40_000)
    stage.room = 1
    stage.open("phone", GRACE, {LOBBY: 2})
    stage.fetch()
    assert seqs(stage, "phone") == [3, 4, 5]
    stage.settle()
    assert seqs(stage, "phone") == list(range(3, 13))


def test_an_event_larger_than_a_bundle_travels_alone(stage: Stage) -> None:
    stage.truth.post(LOBBY, ADA, padding=MAX_EVENTS_BYTES)
    stage.truth.post(LOBBY, ADA)
    stage.room = 1
    stage.open("phone", GRACE, {LOBBY: 2})
    stage.fetch()
    assert seqs(stage, "phone") == [3]
    stage.settle()
    assert seqs(stage, "phone") == [3, 4]


def test_a_return_that_is_known_already_outlives_a_resync(stage: Stage) -> None:
    """Removed and added again while the socket opened, with a cursor too old to replay: the model's find of 2026-11-23."""
    opening = stage.expect("phone", GRACE, {LOBBY: 0})
    stage.read_opening(opening)
    stage.truth.logs[LOBBY].kept_from = 3
    stage.publish(stage.truth.remove(LOBBY, GRACE))
    stage.publish(stage.truth.add(LOBBY, GRACE))
    stage.hear_all()
    while stage.subscribing:
        stage.confirm()
    stage.finish_opening(opening)
    stage.heal()
    assert stage.watchers["phone"].resyncs == 1
    stage.assert_everybody_has_everything()


def test_a_socket_without_room_keeps_one_page_and_still_gets_everything() -> None:
    stage = Stage(room=1)
    places = [id_of(f"place {number}") for number in range(5)]
    for number, place in enumerate(places):
        stage.truth.create(f"place {number}", [ADA])
        for _ in range(150):
            stage.truth.post(place, ADA, padding=100)
    watcher = stage.open("slow", ADA, dict.fromkeys(places, 1))
    stage.check_heads()
    for _ in places:
        stage.fetch()
    stage.run(stage.hub.pump("slow", 0))
    attachments = stage.hub._state.members["slow"].attachments.values()
    assert sum(bool(attachment.page) for attachment in attachments) == 1
    stage.settle()
    assert watcher.last == dict.fromkeys(places, 151)
