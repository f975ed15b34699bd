"""The model bites: a hub or session with any one of its rules broken is found out, well within the steps of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any

import pytest
from driving import Broken, drive

from gateway_service.realtime.belonging import Belonging
from gateway_service.realtime.catching_up import CatchingUp
from gateway_service.realtime.conversation import Attachment, Conversation, Pace
from gateway_service.realtime.following import Following
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.ring import Entry, Ring
from gateway_service.realtime.session import Close, Session
from gateway_service.realtime.wheel import Wheel

BUDGET = 100_000
Patch = Callable[[Any, str, Any], None]


def _nothing(*_: object, **__: object) -> None:
    pass


def no_deduplication(patch: Patch) -> None:
    offer = Conversation.offer

    def accept(self: Conversation, entry: Entry) -> bool:
        self.position = min(self.position, entry.seq - 1)
        return offer(self, entry)

    patch(Conversation, "offer", accept)


def no_fetch_of_gaps(patch: Patch) -> None:
    patch(Following, "_fetch", _nothing)


def heads_unheeded(patch: Patch) -> None:
    patch(Following, "heads", _nothing)


def membership_versions_unheeded(patch: Patch) -> None:
    patch(Hub, "versions", lambda *_: [])


def delivered_after_removal(patch: Patch) -> None:
    patch(Attachment, "is_ended_by", lambda *_: False)


def live_before_caught_up(patch: Patch) -> None:
    place = Belonging.place

    def at_once(self: Belonging, conversation: Conversation, session: str, *rest: Any) -> None:
        place(self, conversation, session, *rest)
        conversation.set_pace(conversation.attachments[session], Pace.LIVE)

    patch(Belonging, "place", at_once)


def position_not_advanced(patch: Patch) -> None:
    advance = Conversation.advance

    def stay(self: Conversation) -> Entry | None:
        entry = advance(self)
        if entry is not None and not self.held:
            self.position -= 1
            return None
        return entry

    patch(Conversation, "advance", stay)


def gaps_stepped_over(patch: Patch) -> None:
    def jump(self: Conversation) -> Entry | None:
        entry = self.held.pop(min(self.held), None) if self.held else None
        if entry is not None:
            self.position = entry.seq
            self.ring.append(entry)
        return entry

    patch(Conversation, "advance", jump)


def ring_off_by_one(patch: Patch) -> None:
    def since(self: Ring, seq: int) -> Iterator[Entry]:
        return islice(self._entries, max(0, seq - self._entries[0].seq - 1), None)

    patch(Ring, "since", since)


def ring_forgets_in_the_middle(patch: Patch) -> None:
    def append(self: Ring, entry: Entry) -> None:
        self._entries.append(entry)
        if len(self._entries) > 2:
            del self._entries[1]

    patch(Ring, "append", append)


def epoch_unheeded_in_events(patch: Patch) -> None:
    event = Following.event

    def trust(self: Following, conversation_id: str, epoch: str, *rest: Any) -> None:
        known = self._state.conversations.get(conversation_id)
        event(self, conversation_id, known.epoch if known else epoch, *rest)

    patch(Following, "event", trust)


def hopeless_cursors_believed(patch: Patch) -> None:
    patch(Belonging, "_is_hopeless", lambda *_: False)


def every_cursor_is_hopeless(patch: Patch) -> None:
    patch(Belonging, "_is_hopeless", lambda *_: True)


def foreign_cursors_unanswered(patch: Patch) -> None:
    patch(Belonging, "_refuse_foreign", _nothing)


def returns_forgotten(patch: Patch) -> None:
    patch(Attachment, "returns_after", lambda *_: [])


def those_ahead_never_live(patch: Patch) -> None:
    patch(Following, "_catch_up_with_those_ahead", _nothing)


def false_heads_believed_for_ever(patch: Patch) -> None:
    patch(Conversation, "disbelieve_before", _nothing)


def pages_not_asked_for(patch: Patch) -> None:
    patch(CatchingUp, "_ask", _nothing)


def pages_not_turned_back_to(patch: Patch) -> None:
    patch(Following, "_turn_back", _nothing)


def removals_not_looked_for(patch: Patch) -> None:
    patch(Belonging, "_doubt", _nothing)


def the_hidden_past_replayed(patch: Patch) -> None:
    start = Belonging._start

    def from_the_first(self: Belonging, session: str, membership: Any, cursor: int | None, *rest: Any) -> None:
        start(self, session, membership, cursor, *rest)
        if cursor is not None and cursor < membership.visible_from_seq - 1:
            conversation = self._state.conversations[membership.conversation]
            self.place(conversation, session, cursor, membership.last_seq, rest[-1])

    patch(Belonging, "_start", from_the_first)


def early_notes_lost(patch: Patch) -> None:
    patch(Belonging, "drain_early", _nothing)
    patch(Hub, "versions", lambda *_: [])


def tokens_never_end(patch: Patch) -> None:
    overdue = Session.overdue
    patch(Session, "overdue", lambda self, now, _: overdue(self, now, 0))


def silence_unnoticed(patch: Patch) -> None:
    overdue = Session.overdue

    def patient(self: Session, now: float, unix_now: float) -> Close | None:
        end = overdue(self, now, unix_now)
        return end if end is None or end.reason != "silent for too long" else None

    patch(Session, "overdue", patient)


def no_warning_before_the_end(patch: Patch) -> None:
    patch(Session, "should_warn", lambda *_: False)


def a_fresh_token_changes_nothing(patch: Patch) -> None:
    admitted = Session.admitted

    def once(self: Session, *facts: Any) -> None:
        warned = self.warned
        admitted(self, *facts)
        self.warned = warned

    patch(Session, "admitted", once)


def the_wheel_skips_a_slot(patch: Patch) -> None:
    def turn(self: Wheel[str], now: float) -> Iterable[str]:
        due = list(self._slots.pop(int(now), ())) if int(now) % 2 else []
        for item in due:
            del self._slot_of[item]
        return due

    patch(Wheel, "turn", turn)


MUTATIONS = [
    no_deduplication,
    no_fetch_of_gaps,
    heads_unheeded,
    membership_versions_unheeded,
    delivered_after_removal,
    live_before_caught_up,
    position_not_advanced,
    gaps_stepped_over,
    ring_off_by_one,
    ring_forgets_in_the_middle,
    epoch_unheeded_in_events,
    hopeless_cursors_believed,
    every_cursor_is_hopeless,
    foreign_cursors_unanswered,
    returns_forgotten,
    those_ahead_never_live,
    false_heads_believed_for_ever,
    pages_not_asked_for,
    pages_not_turned_back_to,
    removals_not_looked_for,
    the_hidden_past_replayed,
    early_notes_lost,
    tokens_never_end,
    silence_unnoticed,
    no_warning_before_the_end,
    a_fresh_token_changes_nothing,
    the_wheel_skips_a_slot,
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_a_broken_rule_is_found(mutation: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeds are fixed: whether this passes says something about the model, not about luck."""
    mutation(monkeypatch.setattr)
    with pytest.raises(Broken):
        _drive_to_the_end_of_the_budget()


def _drive_to_the_end_of_the_budget() -> None:
    done: Counter[str] = Counter()
    for seed in count():
        drive(seed, done)
        if done.total() >= BUDGET:
            return
