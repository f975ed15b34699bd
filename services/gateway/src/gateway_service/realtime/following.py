"""Following each conversation's log: order, gaps, heads, repairs (part of the hub). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway_service.realtime import frames
from gateway_service.realtime.belonging import Belonging
from gateway_service.realtime.conversation import Attachment, Conversation, Pace
from gateway_service.realtime.effects import CheckHeads, Deliver, Pump, RefreshMembers, Session
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.state import Effects, State, look, seek

RETRY_SECONDS = 0.3


class Following:
    """Steps through every log in order, and notices what is missing."""

    def __init__(self, state: State, belonging: Belonging) -> None:
        self._state = state
        self._belonging = belonging

    def event(self, conversation_id: str, epoch: str, entry: Entry, effects: Effects) -> None:
        """An event came over the bus: perhaps late, repeated, out of order, or from before a restore."""
        conversation = self._state.conversations.get(conversation_id)
        if conversation is None:
            return
        if epoch != conversation.epoch:
            self._state.counters.other_epochs += 1
            effects.append(CheckHeads((conversation_id,)))
            return
        if not conversation.offer(entry):
            self._state.counters.duplicates += 1
            return
        while (following := conversation.advance()) is not None:
            self._deliver(conversation, following, effects)
        if conversation.is_behind:
            self._state.counters.gaps += 1
            seek(conversation, effects)

    def _deliver(self, conversation: Conversation, entry: Entry, effects: Effects) -> None:
        live = conversation.live()
        if live:
            self._state.counters.delivered += len(live)
            effects.append(Deliver(live, entry.frame, entry.at_us))
        if len(live) < len(conversation.attachments):
            self._catch_up_with_those_ahead(conversation)
        if entry.removes is not None:
            self._remove(conversation, live, entry, effects)

    def _remove(self, conversation: Conversation, told: Sequence[Session], entry: Entry, effects: Effects) -> None:
        """End the membership of those who were just told of its end."""
        self._remember_removal(conversation, entry)
        for session in told:
            attachment = conversation.attachments[session]
            if attachment.is_ended_by(entry):
                self._belonging.end(conversation, attachment, entry.seq, effects)

    def _remember_removal(self, conversation: Conversation, entry: Entry) -> None:
        person = self._state.people.get(entry.removes or "")
        if person is not None:
            person.left(conversation.id, entry.seq)

    def _catch_up_with_those_ahead(self, conversation: Conversation) -> None:
        for attachment in conversation.attachments.values():
            if attachment.pace is Pace.AHEAD and attachment.sent == conversation.position:
                conversation.set_pace(attachment, Pace.LIVE)

    def hold_expired(self, conversation_id: str, effects: Effects) -> None:
        """What was missing had its 200 ms: fetch it."""
        conversation = self._state.conversations.get(conversation_id)
        if conversation is None:
            return
        conversation.holding = False
        if conversation.is_behind:
            self._fetch(conversation, effects)

    def _fetch(self, conversation: Conversation, effects: Effects, delay_seconds: float = 0.0) -> None:
        if look(conversation, effects, delay_seconds=delay_seconds):
            self._state.counters.fetches += 1
            self._state.counters.repairs += not conversation.held

    def heads(self, heads: Mapping[str, tuple[str | None, int]], effects: Effects, *, patient: bool) -> None:
        """Newest seqs from a tick (epoch None, patient) or from the messages service: a lost last event shows here."""
        for conversation_id, (epoch, last_seq) in heads.items():
            conversation = self._state.conversations.get(conversation_id)
            if conversation is None:
                continue
            if epoch is not None and epoch != conversation.epoch:
                self._belonging.replace_log(conversation, epoch, last_seq, effects)
            elif last_seq > conversation.head or (not patient and last_seq > conversation.position):
                conversation.head = max(conversation.head, last_seq)
                if patient:
                    seek(conversation, effects)
                else:
                    self._fetch(conversation, effects)

    def vanished(self, conversation_ids: Sequence[str], effects: Effects) -> None:
        """The messages service has no head for these: look whether they are gone."""
        for conversation_id in conversation_ids:
            conversation = self._state.conversations.get(conversation_id)
            if conversation is not None:
                self._fetch(conversation, effects)

    def fetched(
        self,
        conversation_id: str,
        after: int,
        epoch: str | None,
        last_seq: int,
        entries: Sequence[Entry],
        effects: Effects,
        *,
        expired: bool,
    ) -> None:
        """The messages service answered a Fetch."""
        conversation = self._state.conversations.get(conversation_id)
        if conversation is None:
            return
        repairing = conversation.fetching_after == after
        if repairing:
            conversation.fetching_after = None
        waiting = [item for item in conversation.attachments.values() if item.waiting_after == after]
        for attachment in waiting:
            attachment.waiting_after = None
        if epoch is None:
            self._gone(conversation, effects)
        elif epoch != conversation.epoch or self._contradicts(
            conversation, after, last_seq, expired=expired, repairing=repairing
        ):
            self._belonging.replace_log(conversation, epoch, last_seq, effects)
        elif expired:
            self._expire(conversation, waiting, effects)
        else:
            self._supply(conversation, waiting, list(entries), effects)
            self._continue(conversation, last_seq, effects, repairing=repairing, progressed=bool(entries))

    def _contradicts(
        self, conversation: Conversation, after: int, last_seq: int, *, expired: bool, repairing: bool
    ) -> bool:
        """Whether this process can't go on from where it is: too old, or past an end that was never reached (forged)."""
        if after == conversation.position:
            return expired and last_seq > after
        if repairing:
            return False  # It was asked for at the position, which has moved since: the answer is older, nothing more.
        ends_before = last_seq <= after < conversation.position
        # Once, it may be an old answer that came twice; who waits for the page asks again.
        forged = ends_before and conversation.suspected
        conversation.suspected = ends_before and not forged
        self._state.counters.forged += forged
        return forged

    def _gone(self, conversation: Conversation, effects: Effects) -> None:
        for attachment in list(conversation.attachments.values()):
            self._belonging.end(conversation, attachment, None, effects)

    def _expire(self, conversation: Conversation, waiting: Sequence[Attachment], effects: Effects) -> None:
        """Too old to replay: those who wait for it fetch by HTTP and go on from where they were let in."""
        for attachment in waiting:
            if attachment.sent >= attachment.authorised:
                conversation.set_pace(attachment, Pace.SUSPENDED)
                effects.append(RefreshMembers(attachment.user))
            else:
                self._resync(conversation, attachment, effects)

    def _resync(self, conversation: Conversation, attachment: Attachment, effects: Effects) -> None:
        self._state.counters.resyncs += 1
        session, last_seq = attachment.session, attachment.authorised
        effects.append(Deliver((session,), frames.resync(conversation=conversation.id, last_seq=last_seq)))
        self._belonging.place(conversation, session, last_seq, last_seq, effects)
        placed = conversation.attachments[session]
        # What is known about its user holds on: a return that is forgotten here would never be told again.
        placed.rejoins, placed.leaving = attachment.rejoins, attachment.leaving
        if placed.leaving:
            look(conversation, effects)

    def _supply(
        self,
        conversation: Conversation,
        waiting: Sequence[Attachment],
        entries: list[Entry],
        effects: Effects,
    ) -> None:
        """Step over what the entries bring; those who were live get it as a page, paced like any replay."""
        before = conversation.position
        for entry in entries:
            conversation.offer(entry)
            while (following := conversation.advance()) is not None:
                self._remember_removal(conversation, following)
        for attachment in waiting:
            attachment.page = entries
            effects.append(Pump(attachment.session))
        if conversation.position > before:
            self._turn_back(conversation, before, entries, effects)

    def _turn_back(self, conversation: Conversation, before: int, entries: list[Entry], effects: Effects) -> None:
        for attachment in conversation.attachments.values():
            if attachment.pace is Pace.LIVE:
                attachment.sent = before
            elif attachment.pace is not Pace.AHEAD or attachment.sent > conversation.position:
                continue
            conversation.set_pace(attachment, Pace.CATCHING_UP)
            attachment.page = entries
            attachment.waiting_after = None
            effects.append(Pump(attachment.session))

    def _continue(
        self,
        conversation: Conversation,
        last_seq: int,
        effects: Effects,
        *,
        repairing: bool,
        progressed: bool,
    ) -> None:
        if repairing:
            conversation.disbelieve_before(last_seq)
        conversation.head = max(conversation.head, last_seq)
        if conversation.is_behind:
            self._fetch(conversation, effects, 0.0 if progressed else RETRY_SECONDS)
        else:
            self._let_go(conversation, effects)

    def _let_go(self, conversation: Conversation, effects: Effects) -> None:
        """The log has no removal for those of whom the messages service says that they are no members."""
        for attachment in list(conversation.attachments.values()):
            if attachment.leaving and attachment.pace is not Pace.CATCHING_UP:
                self._belonging.end(conversation, attachment, None, effects)
