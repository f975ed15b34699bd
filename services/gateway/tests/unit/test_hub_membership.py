"""Joining, leaving and everything that may be lost or late about it (G6)."""

from __future__ import annotations

import pytest
from stage import Stage
from truth import Published, id_of

from gateway_service.realtime import effects as fx
from gateway_service.realtime.hub import LINGER_SECONDS
from gateway_service.realtime.people import Note

ADA, GRACE, LINUS = id_of("ada"), id_of("grace"), id_of("linus")
LOBBY = id_of("lobby")


@pytest.fixture
def stage() -> Stage:
    """Ada is in the lobby and has a socket; Grace has one and is nowhere."""
    stage = Stage()
    stage.truth.create("lobby", [ADA])
    stage.open("desk", ADA)
    stage.open("phone", GRACE)
    stage.settle()
    return stage


def hear(stage: Stage, *messages: list[Published]) -> None:
    for some in messages:
        stage.publish(some)
    stage.hear_all()


def seqs(stage: Stage, name: str) -> list[int]:
    return [seq for _, seq in stage.watchers[name].seen]


def in_lobby(stage: Stage, name: str) -> bool:
    return LOBBY in stage.watchers[name].last


def forget(stage: Stage, user: str) -> None:
    """They are no member any more, and no event says so."""
    log = stage.truth.logs[LOBBY]
    log.stays = {member: stays for member, stays in log.stays.items() if member != user}
    stage.truth.versions[user] += 1


def test_who_joins_gets_their_own_joining_and_what_follows(stage: Stage) -> None:
    hear(stage, stage.truth.post(LOBBY, ADA), stage.truth.add(LOBBY, GRACE))
    stage.settle()
    hear(stage, stage.truth.post(LOBBY, ADA))
    assert seqs(stage, "phone") == [3, 4]


def test_joining_works_whichever_of_event_and_note_comes_first(stage: Stage) -> None:
    event, note = stage.truth.add(LOBBY, GRACE)
    hear(stage, [note], [event])
    stage.settle()
    assert seqs(stage, "phone") == [2]


def test_a_conversation_that_nobody_here_was_in_is_followed_from_the_joining_on(stage: Stage) -> None:
    stage.truth.create("lab", [ADA])
    stage.heal()
    stage.close("desk")
    stage.sweep(0)
    stage.sweep(LINGER_SECONDS)
    assert not stage.hub.follows(id_of("lab"))
    hear(stage, stage.truth.add(id_of("lab"), GRACE))
    assert stage.subscribing == [id_of("lab")]
    stage.settle()
    assert stage.watchers["phone"].seen == [(id_of("lab"), 2)]


def test_who_is_removed_gets_the_removal_and_nothing_after_it(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    hear(stage, stage.truth.remove(LOBBY, GRACE), stage.truth.post(LOBBY, ADA))
    assert seqs(stage, "phone") == [2, 3]
    assert not in_lobby(stage, "phone")
    assert seqs(stage, "desk") == [2, 3, 4]


def test_what_overtakes_a_removal_waits_for_it(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    stage.publish(stage.truth.remove(LOBBY, GRACE))
    stage.publish(stage.truth.post(LOBBY, ADA))
    stage.hear(2)
    assert seqs(stage, "phone") == [2]
    stage.hear_all()
    assert seqs(stage, "phone") == [2, 3]


def test_a_removal_in_a_fetched_range_ends_it_there(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    stage.truth.remove(LOBBY, GRACE)
    stage.truth.post(LOBBY, ADA)
    hear(stage, stage.truth.post(LOBBY, ADA))
    stage.settle()
    assert seqs(stage, "phone") == [2, 3]
    assert not in_lobby(stage, "phone")


def test_a_note_about_leaving_fetches_the_removal_that_was_lost(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    _, note = stage.truth.remove(LOBBY, GRACE)
    hear(stage, [note])
    assert in_lobby(stage, "phone")
    stage.settle()
    assert seqs(stage, "phone") == [2, 3]
    assert not in_lobby(stage, "phone")


def test_a_lost_joining_shows_in_the_membership_version(stage: Stage) -> None:
    stage.truth.add(LOBBY, GRACE)
    stage.tick()
    assert stage.refreshes == [GRACE]
    stage.settle()
    assert in_lobby(stage, "phone")
    hear(stage, stage.truth.post(LOBBY, ADA))
    assert stage.watchers["phone"].last == {LOBBY: 3}


def test_a_lost_leaving_shows_in_the_membership_version_and_the_removal_comes_before_left(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    stage.truth.remove(LOBBY, GRACE)
    stage.run(stage.hub.versions([(GRACE, stage.truth.versions[GRACE])]))
    stage.settle()
    assert seqs(stage, "phone") == [2, 3]
    assert not in_lobby(stage, "phone")


def test_who_is_no_member_without_a_removal_in_the_log_is_let_go_too(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    forget(stage, GRACE)
    stage.tick()
    stage.settle()
    assert not in_lobby(stage, "phone")


def test_who_is_no_member_while_behind_is_let_go_when_they_have_caught_up(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    for _ in range(150):
        hear(stage, stage.truth.post(LOBBY, ADA))
    stage.room = 1
    stage.resume("phone", {LOBBY: 2})
    forget(stage, GRACE)
    stage.run(stage.hub.members(stage.truth.memberships(GRACE)))
    stage.fetch()
    assert in_lobby(stage, "phone")
    stage.settle()
    assert not in_lobby(stage, "phone")


def test_removed_and_added_again_is_left_and_joined_and_nothing_in_between(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    hear(stage, stage.truth.remove(LOBBY, GRACE), stage.truth.post(LOBBY, ADA), stage.truth.add(LOBBY, GRACE))
    stage.settle()
    assert seqs(stage, "phone") == [2, 3, 5]


def test_a_return_that_is_told_before_the_removal_is_seen_is_not_forgotten(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    stage.truth.remove(LOBBY, GRACE)
    stage.truth.post(LOBBY, ADA)
    _, note = stage.truth.add(LOBBY, GRACE)
    hear(stage, [note])
    stage.settle()
    assert seqs(stage, "phone") == [2, 3, 5]
    assert in_lobby(stage, "phone")


def test_memberships_read_after_a_return_bring_one_back_whose_removal_is_seen_later(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    for _ in range(2):
        stage.truth.remove(LOBBY, GRACE)
        stage.truth.add(LOBBY, GRACE)
        stage.run(stage.hub.members(stage.truth.memberships(GRACE)))
    stage.heal()
    stage.assert_everybody_has_everything()
    hear(stage, stage.truth.post(LOBBY, ADA))
    assert stage.watchers["phone"].last == {LOBBY: 7}


def test_an_old_removal_does_not_end_a_membership_that_is_newer(stage: Stage) -> None:
    stage.truth.add(LOBBY, GRACE)
    stage.truth.remove(LOBBY, GRACE)
    stage.truth.add(LOBBY, GRACE)
    stage.open("tablet", GRACE, {LOBBY: 0})
    stage.settle()
    assert seqs(stage, "tablet") == [1, 2, 3, 4]
    assert in_lobby(stage, "tablet")


def test_a_stale_note_is_passed_over(stage: Stage) -> None:
    joined = stage.truth.add(LOBBY, GRACE)
    stage.truth.remove(LOBBY, GRACE)
    stage.run(stage.hub.members(stage.truth.memberships(GRACE)))
    hear(stage, joined)
    assert not in_lobby(stage, "phone")


def test_a_note_after_a_lost_one_asks_for_all_memberships(stage: Stage) -> None:
    stage.truth.create("lab", [GRACE])
    hear(stage, stage.truth.add(LOBBY, GRACE))
    assert stage.refreshes == [GRACE]
    stage.settle()
    assert set(stage.watchers["phone"].last) == {LOBBY, id_of("lab")}


def test_memberships_older_than_a_removal_that_was_delivered_do_not_bring_one_back(stage: Stage) -> None:
    stage.truth.add(LOBBY, GRACE)
    stage.heal()
    old = stage.truth.memberships(GRACE)
    event, _ = stage.truth.remove(LOBBY, GRACE)
    hear(stage, [event])
    assert not in_lobby(stage, "phone")
    seen = seqs(stage, "phone")
    stage.run(stage.hub.members(old))
    assert not in_lobby(stage, "phone")
    assert seqs(stage, "phone") == seen


def test_memberships_older_than_what_is_known_are_asked_for_again(stage: Stage) -> None:
    old = stage.truth.memberships(GRACE)
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.run(stage.hub.members(old))
    assert stage.refreshes == [GRACE]
    assert in_lobby(stage, "phone")


def test_a_note_during_the_opening_is_not_lost(stage: Stage) -> None:
    opening = stage.expect("laptop", LINUS)
    stage.read_opening(opening)
    hear(stage, stage.truth.add(LOBBY, LINUS))
    stage.finish_opening(opening)
    stage.settle()
    assert stage.watchers["laptop"].seen == [(LOBBY, 2)]


def test_a_note_that_the_opening_knows_already_changes_nothing(stage: Stage) -> None:
    opening = stage.expect("laptop", LINUS)
    stage.publish(stage.truth.add(LOBBY, LINUS))
    stage.read_opening(opening)
    stage.hear_all()
    stage.finish_opening(opening)
    stage.settle()
    assert stage.watchers["laptop"].last == {LOBBY: 2}
    assert stage.watchers["laptop"].seen == []


def test_a_removal_during_the_opening_is_delivered_and_ends_it(stage: Stage) -> None:
    stage.truth.add(LOBBY, LINUS)
    stage.heal()
    opening = stage.expect("laptop", LINUS)
    stage.read_opening(opening)
    hear(stage, stage.truth.remove(LOBBY, LINUS), stage.truth.post(LOBBY, ADA))
    stage.finish_opening(opening)
    stage.settle()
    assert stage.watchers["laptop"].seen == [(LOBBY, 3)]
    assert not in_lobby(stage, "laptop")


def test_a_deletion_reaches_all_members_and_then_they_are_out(stage: Stage) -> None:
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    hear(stage, stage.truth.delete(LOBBY))
    assert seqs(stage, "desk")[-1] == seqs(stage, "phone")[-1] == 3
    assert not in_lobby(stage, "desk")
    assert not in_lobby(stage, "phone")


def test_a_lost_deletion_is_found_by_the_position_check(stage: Stage) -> None:
    stage.truth.delete(LOBBY)
    stage.head_checks.append(LOBBY)
    stage.check_heads()
    stage.settle()
    assert not in_lobby(stage, "desk")


def test_joining_from_a_log_before_or_after_a_restore_is_asked_about_first(stage: Stage) -> None:
    note = Note(joined=True, user=GRACE, conversation=LOBBY, seq=9, version=1, epoch=id_of("another"))
    effects = stage.hub.note(note)
    assert effects == [fx.CheckHeads((LOBBY,)), fx.RefreshMembers(GRACE)]


def test_all_devices_join_and_leave_together(stage: Stage) -> None:
    stage.open("tablet", GRACE)
    hear(stage, stage.truth.add(LOBBY, GRACE))
    stage.settle()
    assert in_lobby(stage, "phone")
    assert in_lobby(stage, "tablet")
    hear(stage, stage.truth.remove(LOBBY, GRACE))
    assert not in_lobby(stage, "phone")
    assert not in_lobby(stage, "tablet")


def test_after_a_while_without_sockets_nothing_is_kept_or_subscribed(stage: Stage) -> None:
    stage.close("desk")
    stage.close("phone")
    stage.sweep(0)
    stage.sweep(LINGER_SECONDS - 1)
    assert stage.hub.follows(LOBBY)
    (effect,) = stage.hub.sweep(stage.now + 1)
    assert effect == fx.Unsubscribe((LOBBY,), (ADA, GRACE))
    assert not stage.hub.follows(LOBBY)
    assert not stage.hub.knows(ADA)


def test_a_reload_within_the_linger_finds_everything_still_followed(stage: Stage) -> None:
    stage.close("desk")
    stage.sweep(0)
    stage.sweep(LINGER_SECONDS - 1)
    hear(stage, stage.truth.post(LOBBY, ADA))
    stage.open("desk again", ADA, {LOBBY: 1})
    assert seqs(stage, "desk again") == [2]
    stage.sweep(LINGER_SECONDS)
    assert stage.hub.follows(LOBBY)
