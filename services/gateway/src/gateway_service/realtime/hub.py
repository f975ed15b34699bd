"""Who is to get what: events in order, each once, without gaps, and nothing after a removal. Pure.

The hub is told what happens (events, notes, heads, fetched ranges, sockets coming and going) and answers with effects.
It has no clock, no socket and no channel layer, so a property test can drive it through any schedule.

Every way to be behind ends in the same one: a socket that lacks something is CATCHING_UP, gets pages out of the ring or
from the messages service as its queue drains, and becomes LIVE in the call in which it reaches the position.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gateway_service.realtime import frames
from gateway_service.realtime.belonging import Belonging
from gateway_service.realtime.catching_up import CatchingUp
from gateway_service.realtime.conversation import Conversation
from gateway_service.realtime.effects import Deliver, Effect, Pump, RefreshMembers, Session, Unsubscribe
from gateway_service.realtime.following import Following
from gateway_service.realtime.people import Memberships, Note, Person
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.state import Counters, Effects, Member, State

LINGER_SECONDS = 45.0
"""A page reload within this time finds its conversations still followed."""


class Hub:
    """All sockets of one process and what they are owed.

    Attributes:
        resumes: Sockets that came with cursors: `lossless` (they had everything), `replayed`, or `not_recovered`.
    """

    def __init__(self) -> None:
        self.resumes: Counter[str] = Counter()
        self._state = State()
        self._belonging = Belonging(self._state)
        self._catching_up = CatchingUp(self._state, self._belonging)
        self._following = Following(self._state, self._belonging)

    @property
    def counters(self) -> Counters:
        """What was seen so far."""
        return self._state.counters

    def watched(self) -> tuple[str, ...]:
        """The conversations in which there is at least one socket."""
        return tuple(item.id for item in self._state.conversations.values() if item.attachments)

    def follows(self, conversation: str) -> bool:
        """Whether this process follows it."""
        return conversation in self._state.conversations

    def knows(self, user: str) -> bool:
        """Whether this user's notes matter here."""
        return user in self._state.people

    def followed(self) -> int:
        """How many conversations this process is subscribed to."""
        return len(self._state.conversations)

    @property
    def kept_bytes(self) -> int:
        """How much it keeps of the newest events, to replay them."""
        return self._state.shelf.bytes

    def people(self) -> tuple[str, ...]:
        """The users with at least one socket."""
        return tuple(person.id for person in self._state.people.values() if person.sessions)

    def sessions_of(self, user: str) -> tuple[Session, ...]:
        """The open sockets of a user."""
        person = self._state.people.get(user)
        return person.sessions if person else ()

    def is_member(self, session: Session, conversation: str) -> bool:
        """Whether this socket is served this conversation at the moment."""
        member = self._state.members.get(session)
        return member is not None and conversation in member.attachments

    # Sockets

    def expect(self, user: str) -> None:
        """A socket of `user` is being let in: from now on their notes matter. Each call needs one `arrived`."""
        self._state.person(user).arriving += 1

    def arrived(self, user: str) -> None:
        """The socket that was expected is attached, or isn't coming."""
        self._state.person(user).arriving -= 1

    def prepare(self, memberships: Memberships) -> Effects:
        """Follow all conversations of an expected socket, so that their groups can be subscribed before it opens."""
        effects: Effects = []
        for membership in memberships.by_conversation.values():
            self._state.follow_membership(membership, effects)
        return pumps_last(effects)

    def attach(
        self,
        session: Session,
        memberships: Memberships,
        cursors: Mapping[str, int],
        epochs: Mapping[str, str],
    ) -> Effects:
        """Serve an opened socket; its `ready`, made of the same memberships, must be in its queue already."""
        effects: Effects = []
        self._belonging.members(memberships, effects)
        self._state.members[session] = Member(memberships.user)
        self._state.person(memberships.user).came(session)
        resyncs = self.counters.resyncs
        self._belonging.attach(session, memberships, cursors, epochs, effects)
        self._count_resume(session, cursors, resyncs)
        self._belonging.drain_early(memberships.user, effects)
        return pumps_last(effects)

    def resume(
        self,
        session: Session,
        memberships: Memberships,
        cursors: Mapping[str, int],
        epochs: Mapping[str, str],
    ) -> Effects:
        """Restart some conversations of a socket at its cursors; memberships must have been read after it asked."""
        effects: Effects = []
        if session in self._state.members:
            self._belonging.members(memberships, effects)
            resyncs = self.counters.resyncs
            self._belonging.resume(session, memberships, cursors, epochs, effects)
            self._count_resume(session, cursors, resyncs)
        return pumps_last(effects)

    def _count_resume(self, session: Session, cursors: Mapping[str, int], resyncs_before: int) -> None:
        """By its worst conversation."""
        attachments = self._state.members[session].attachments
        found = [attachments[conversation] for conversation in cursors if conversation in attachments]
        if self.counters.resyncs > resyncs_before:
            self.resumes["not_recovered"] += 1
        elif any(attachment.sent < attachment.authorised for attachment in found):
            self.resumes["replayed"] += 1
        elif cursors:
            self.resumes["lossless"] += 1

    def detach(self, session: Session) -> None:
        """The socket is closed."""
        member = self._state.members.get(session)
        if member is None:
            return
        for conversation_id in list(member.attachments):
            self._state.drop(self._state.conversations[conversation_id], session)
        del self._state.members[session]
        self._state.people[member.user].went(session)

    def pump(self, session: Session, room_bytes: int) -> Effects:
        """Go on with what `session` lacks, if there is room for about `room_bytes` in its queue."""
        effects: Effects = []
        self._catching_up.pump(session, room_bytes, effects)
        return pumps_last(effects)

    # News

    def event(self, conversation: str, epoch: str, entry: Entry) -> Effects:
        """An event came over the bus."""
        effects: Effects = []
        self._following.event(conversation, epoch, entry, effects)
        return pumps_last(effects)

    def note(self, note: Note) -> Effects:
        """`joined` or `left` came over a user's group."""
        effects: Effects = []
        self._belonging.note(note, effects)
        return pumps_last(effects)

    def members(self, memberships: Memberships) -> Effects:
        """The messages service answered a RefreshMembers."""
        effects: Effects = []
        self._belonging.members(memberships, effects)
        self._belonging.drain_early(memberships.user, effects)
        return pumps_last(effects)

    def versions(self, versions: Iterable[tuple[str, int]]) -> Effects:
        """Membership versions from a tick or a position check: a lost note shows here."""
        known = ((self._state.people.get(user), version) for user, version in versions)
        return [
            RefreshMembers(person.id)
            for person, version in known
            if person and person.sessions and person.version is not None and version > person.version
        ]

    def ticked(self, heads: Mapping[str, int]) -> Effects:
        """A relay said how far it has published: what is missing should come within moments, else it was lost."""
        effects: Effects = []
        self._following.heads({name: (None, seq) for name, seq in heads.items()}, effects, patient=True)
        return pumps_last(effects)

    def heads(self, heads: Mapping[str, tuple[str, int]], asked: Sequence[str]) -> Effects:
        """The messages service told epoch and newest seq of the conversations asked for; unknown ones are left out."""
        effects: Effects = []
        self._following.heads(heads, effects, patient=False)
        self._following.vanished([name for name in asked if name not in heads], effects)
        return pumps_last(effects)

    def hold_expired(self, conversation: str) -> Effects:
        """200 ms after a Hold."""
        effects: Effects = []
        self._following.hold_expired(conversation, effects)
        return pumps_last(effects)

    def fetched(
        self,
        conversation: str,
        after: int,
        *,
        epoch: str | None,
        last_seq: int,
        expired: bool,
        entries: Sequence[Entry],
    ) -> Effects:
        """The messages service answered a Fetch; the entries follow `after` without a gap."""
        effects: Effects = []
        self._following.fetched(conversation, after, epoch, last_seq, entries, effects, expired=expired)
        return pumps_last(effects)

    def typing(self, conversation: str, user: str, state: bool | str) -> Effects:  # noqa: FBT001 (the frame's field)
        """Somebody types: the others' live sockets are told."""
        followed = self._state.conversations.get(conversation)
        if followed is None:
            return []
        others = tuple(name for name in followed.live() if self._state.members[name].user != user)
        return [Deliver(others, frames.typing(conversation=conversation, user=user, state=state))] if others else []

    def sweep(self, now: float) -> Effects:
        """Let go of what nobody has needed for a while; call it every few seconds."""
        conversations = [item for item in self._state.conversations.values() if not item.attachments]
        people = [person for person in self._state.people.values() if person.is_gone]
        stale_conversations = tuple(item.id for item in conversations if _is_stale(item, now))
        stale_people = tuple(person.id for person in people if _is_stale(person, now))
        for name in stale_conversations:
            self._state.conversations.pop(name).ring.clear()
        for name in stale_people:
            del self._state.people[name]
        found: list[Effect] = []
        if stale_conversations or stale_people:
            found.append(Unsubscribe(stale_conversations, stale_people))
        return found


def pumps_last(effects: Effects) -> Effects:
    """Each Pump once, after all else: it serves all conversations of a socket, so a frame decided on before goes first."""
    pumps = list(dict.fromkeys(effect for effect in effects if isinstance(effect, Pump)))
    return [effect for effect in effects if not isinstance(effect, Pump)] + pumps if pumps else effects


def _is_stale(thing: Conversation | Person, now: float) -> bool:
    if thing.idle_since is None:
        thing.idle_since = now
    return now - thing.idle_since >= LINGER_SECONDS
