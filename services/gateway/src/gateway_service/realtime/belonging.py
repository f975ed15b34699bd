"""Sockets and the conversations of their users: attaching, joining, leaving, resuming (part of the hub). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway_service.realtime import frames
from gateway_service.realtime.conversation import Attachment, Conversation, Pace, Rejoin
from gateway_service.realtime.effects import CheckHeads, Deliver, Pump, RefreshMembers, Session
from gateway_service.realtime.people import Membership, Memberships, Note, Person
from gateway_service.realtime.state import Effects, State, look, seek

MAX_REPLAY = 2_000
"""A cursor further behind than this is answered by `resync`: fetching pages over HTTP is cheaper for both sides."""


class Belonging:
    """Keeps each socket attached to exactly what its user may see."""

    def __init__(self, state: State) -> None:
        self._state = state

    def attach(
        self,
        session: Session,
        memberships: Memberships,
        cursors: Mapping[str, int],
        epochs: Mapping[str, str],
        effects: Effects,
    ) -> None:
        """Take an opened socket in; its `ready` must be on its way already."""
        for membership in memberships.by_conversation.values():
            self._start(session, membership, cursors.get(membership.conversation), epochs, effects)
        self._refuse_foreign(session, memberships, cursors, effects)

    def resume(
        self,
        session: Session,
        memberships: Memberships,
        cursors: Mapping[str, int],
        epochs: Mapping[str, str],
        effects: Effects,
    ) -> None:
        """Restart the named conversations at their cursors."""
        for conversation, cursor in cursors.items():
            membership = memberships.by_conversation.get(conversation)
            if membership is not None:
                self._start(session, membership, cursor, epochs, effects)
        self._refuse_foreign(session, memberships, cursors, effects)

    def _refuse_foreign(
        self, session: Session, memberships: Memberships, cursors: Mapping[str, int], effects: Effects
    ) -> None:
        foreign = [conversation for conversation in cursors if conversation not in memberships.by_conversation]
        for conversation in foreign:
            known = self._state.conversations.get(conversation)
            if known is not None:
                self._state.drop(known, session)
            effects.append(Deliver((session,), frames.left(conversation=conversation)))

    def _start(
        self,
        session: Session,
        membership: Membership,
        cursor: int | None,
        epochs: Mapping[str, str],
        effects: Effects,
    ) -> None:
        conversation = self._follow(membership, effects)
        after = membership.last_seq
        if cursor is not None:
            if self._is_hopeless(membership, cursor, epochs.get(membership.conversation)):
                self._state.counters.resyncs += 1
                effects.append(Deliver((session,), frames.resync(conversation=conversation.id, last_seq=after)))
            else:
                after = max(cursor, membership.visible_from_seq - 1)
        self.place(conversation, session, after, membership.last_seq, effects)

    def _follow(self, membership: Membership, effects: Effects) -> Conversation:
        conversation = self._state.follow_membership(membership, effects)
        if conversation.epoch != membership.epoch:
            self.replace_log(conversation, membership.epoch, membership.last_seq, effects)
        return conversation

    def _is_hopeless(self, membership: Membership, cursor: int, epoch: str | None) -> bool:
        start = max(cursor, membership.visible_from_seq - 1)
        return (
            epoch not in (None, membership.epoch)
            or cursor > membership.last_seq
            or membership.last_seq - start > MAX_REPLAY
        )

    def place(
        self,
        conversation: Conversation,
        session: Session,
        after: int,
        authorised: int,
        effects: Effects,
    ) -> None:
        """Serve `session` what follows `after`."""
        pace = Pace.LIVE if after == conversation.position else Pace.CATCHING_UP
        if after > conversation.position:
            pace = Pace.AHEAD
            conversation.head = max(conversation.head, after)
            seek(conversation, effects)
        user = self._state.members[session].user
        self._state.put(conversation, Attachment(session, user, after, authorised, pace))
        if pace is Pace.CATCHING_UP:
            effects.append(Pump(session))

    def end(self, conversation: Conversation, attachment: Attachment, seq: int | None, effects: Effects) -> None:
        """Tell a socket that its user left, and serve it no more, unless the user is known to be back."""
        session = attachment.session
        effects.append(Deliver((session,), frames.left(conversation=conversation.id, seq=seq)))
        self._state.drop(conversation, session)
        returns = [] if seq is None else attachment.returns_after(seq)
        if returns:
            self._join(conversation, session, returns[0], effects)
            conversation.attachments[session].rejoins = returns[1:]

    def _join(self, conversation: Conversation, session: Session, rejoin: Rejoin, effects: Effects) -> None:
        frame = frames.joined(
            conversation=conversation.id,
            last_seq=rejoin.after,
            visible_from_seq=rejoin.visible_from_seq,
        )
        effects.append(Deliver((session,), frame))
        self.place(conversation, session, rejoin.after, rejoin.authorised, effects)

    def replace_log(self, conversation: Conversation, epoch: str, position: int, effects: Effects) -> None:
        """The log is another one (a restored backup, or what we need is no longer kept): ask anew who may see it."""
        conversation.replace_log(epoch, position)
        users = {attachment.user for attachment in conversation.attachments.values()}
        effects.extend(RefreshMembers(user) for user in sorted(users))

    def members(self, memberships: Memberships, effects: Effects) -> None:
        """Bring all sockets of a person in line with what the messages service says."""
        person = self._state.people.get(memberships.user)
        if person is None:
            return
        if person.version is not None and memberships.version < person.version:
            effects.append(RefreshMembers(person.id))
            return
        person.version = memberships.version
        for session in sorted(person.sessions, key=str):
            self._reconcile(person, session, memberships, effects)

    def drain_early(self, user: str, effects: Effects) -> None:
        """Take the notes that came while the first memberships were on their way."""
        person = self._state.people.get(user)
        if person is not None and person.version is not None:
            early, person.early = person.early, ()
            for note in early:
                self.note(note, effects)

    def _reconcile(self, person: Person, session: Session, memberships: Memberships, effects: Effects) -> None:
        attachments = self._state.members[session].attachments
        for conversation_id in sorted(attachments.keys() - memberships.by_conversation.keys()):
            self._doubt(self._state.conversations[conversation_id], attachments[conversation_id], effects)
        for membership in memberships.by_conversation.values():
            attached = attachments.get(membership.conversation)
            rejoin = Rejoin(membership.last_seq, membership.visible_from_seq, membership.last_seq)
            if attached is None:
                if person.ended.get(membership.conversation, 0) <= membership.last_seq:
                    conversation = self._follow(membership, effects)
                    self._join(conversation, session, rejoin, effects)
            elif attached.pace is Pace.SUSPENDED:
                self._restart(session, membership, effects)
            else:
                self._confirm(attached, membership, rejoin, effects)

    def _confirm(self, attached: Attachment, membership: Membership, rejoin: Rejoin, effects: Effects) -> None:
        """A member as before; should a removal from before these memberships turn up, then one that came back."""
        attached.leaving = False
        attached.expect_return(rejoin)
        if self._state.conversations[membership.conversation].epoch != membership.epoch:
            effects.append(CheckHeads((membership.conversation,)))

    def _doubt(self, conversation: Conversation, attachment: Attachment, effects: Effects) -> None:
        """Its user is no member, but the removal wasn't seen yet: look for it, so that it comes before `left`."""
        if attachment.pace is Pace.SUSPENDED:
            self.end(conversation, attachment, None, effects)
        else:
            attachment.leaving = True
            look(conversation, effects)

    def _restart(self, session: Session, membership: Membership, effects: Effects) -> None:
        conversation = self._follow(membership, effects)
        self._state.counters.resyncs += 1
        frame = frames.resync(conversation=conversation.id, last_seq=membership.last_seq)
        effects.append(Deliver((session,), frame))
        self.place(conversation, session, membership.last_seq, membership.last_seq, effects)

    def note(self, note: Note, effects: Effects) -> None:
        """`joined` or `left`, as told on the person's own group; may be late, repeated or the only one of several."""
        person = self._state.people.get(note.user)
        if person is None:
            return
        if person.version is None:
            person.keep_for_later(note)
            return
        if note.version <= person.version:
            return
        if note.version == person.version + 1:
            person.version = note.version
        else:
            effects.append(RefreshMembers(note.user))
        if note.joined:
            self._joined(person, note, effects)
        else:
            self._left(note, effects)

    def _joined(self, person: Person, note: Note, effects: Effects) -> None:
        if not person.sessions:
            return
        conversation = self._state.follow(note.conversation, note.epoch, note.seq - 1, effects)
        if conversation.epoch != note.epoch:
            # One of both is from before a restore: its seqs say nothing about the other log.
            effects += [CheckHeads((note.conversation,)), RefreshMembers(note.user)]
            return
        rejoin = Rejoin(note.seq - 1, note.visible_from_seq, note.seq)
        for session in sorted(person.sessions, key=str):
            attached = conversation.attachments.get(session)
            if attached is None:
                self._join(conversation, session, rejoin, effects)
            else:
                attached.expect_return(rejoin)
        conversation.head = max(conversation.head, note.seq)
        seek(conversation, effects)

    def _left(self, note: Note, effects: Effects) -> None:
        conversation = self._state.conversations.get(note.conversation)
        if conversation is not None:
            conversation.head = max(conversation.head, note.seq)
            seek(conversation, effects)
