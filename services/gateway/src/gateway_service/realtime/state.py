"""The hub's memory: conversations, people and sockets of one process. Pure state."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway_service.realtime.conversation import Attachment, Conversation
from gateway_service.realtime.effects import Effect, Fetch, Hold, Session, Subscribe
from gateway_service.realtime.people import Membership, Person
from gateway_service.realtime.ring import Shelf

Effects = list[Effect]


@dataclass(slots=True)
class Counters:
    """What the hub has seen; each should be rare but `delivered`."""

    delivered: int = 0
    duplicates: int = 0
    gaps: int = 0
    fetches: int = 0
    repairs: int = 0
    resyncs: int = 0
    replayed: int = 0
    other_epochs: int = 0
    forged: int = 0


@dataclass(slots=True)
class Member:
    """One socket: whose it is, and its attachment to each conversation by id."""

    user: str
    attachments: dict[str, Attachment] = field(default_factory=dict)


class State:
    """All of it. The methods keep both sides of each relation together."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.people: dict[str, Person] = {}
        self.members: dict[Session, Member] = {}
        self.counters = Counters()
        self.shelf = Shelf()

    def person(self, user: str) -> Person:
        """The person, known from now on."""
        found = self.people.get(user)
        if found is None:
            found = self.people[user] = Person(user)
        found.idle_since = None
        return found

    def follow(self, conversation: str, epoch: str, position: int, effects: Effects) -> Conversation:
        """The conversation, followed from `position` on if it wasn't yet."""
        found = self.conversations.get(conversation)
        if found is None:
            found = self.conversations[conversation] = Conversation(conversation, epoch, position, self.shelf)
            effects.append(Subscribe(conversation))
        return found

    def follow_membership(self, membership: Membership, effects: Effects) -> Conversation:
        """The same for a membership."""
        return self.follow(membership.conversation, membership.epoch, membership.last_seq, effects)

    def put(self, conversation: Conversation, attachment: Attachment) -> None:
        """Attach."""
        conversation.put(attachment)
        self.members[attachment.session].attachments[conversation.id] = attachment

    def drop(self, conversation: Conversation, session: Session) -> None:
        """Detach."""
        conversation.drop(session)
        member = self.members.get(session)
        if member is not None:
            member.attachments.pop(conversation.id, None)


def seek(conversation: Conversation, effects: Effects) -> None:
    """Give what is missing a moment to come by itself, unless somebody looks for it already."""
    if conversation.is_behind and conversation.fetching_after is None and not conversation.holding:
        conversation.holding = True
        effects.append(Hold(conversation.id))


def look(conversation: Conversation, effects: Effects, *, delay_seconds: float = 0.0) -> bool:
    """Fetch what follows the position, unless that is under way already."""
    if conversation.fetching_after is not None:
        return False
    conversation.fetching_after = conversation.position
    conversation.head_at_fetch = conversation.head
    effects.append(Fetch(conversation.id, conversation.position, delay_seconds))
    return True
