"""What is under way between a hub and the world: each effect becomes something that a test lets happen, now or later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from truth import Published, Truth
from watcher import Watcher

from gateway_service.realtime import effects as fx
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.ring import entry_from_body

PLENTY = 1 << 30


@dataclass
class Opening:
    """A socket on its way in."""

    watcher: Watcher
    cursors: Mapping[str, int]
    epochs: Mapping[str, str]
    memberships: Memberships | None = None


@dataclass
class Wings:
    """A hub, the truth behind it, and everything that is under way between them."""

    truth: Truth = field(default_factory=Truth)
    hub: Hub = field(default_factory=Hub)
    page: int = 200
    room: int = PLENTY
    now: float = 0.0

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nothing is under way, and nobody is here."""
        self.bus: list[Published] = []
        self.subscribed: set[str] = set()
        self.subscribing: list[str] = []
        self.fetches: list[tuple[str, int]] = []
        self.answers: list[tuple[str, int, dict[str, Any]]] = []
        self.holds: list[str] = []
        self.head_checks: list[str] = []
        self.refreshes: list[str] = []
        self.read_memberships: list[Memberships] = []
        self.openings: list[Opening] = []
        self.watchers: dict[str, Watcher] = {}
        self.thirsty: set[str] = set()
        self.deaf = False

    # Effects

    def run(self, effects: Sequence[fx.Effect]) -> None:
        """Do at once what a gateway does at once, and keep the rest for later."""
        for effect in effects:
            self._run_one(effect)

    def _run_one(self, effect: fx.Effect) -> None:
        if isinstance(effect, fx.Deliver):
            for session in effect.sessions:
                if session in self.watchers:
                    self.watchers[str(session)].receive(effect.frame)
        elif isinstance(effect, fx.Pump):
            self.pump(str(effect.session))
        elif isinstance(effect, fx.Fetch):
            self.fetches.append((effect.conversation, effect.after))
        elif isinstance(effect, fx.Hold):
            self.holds.append(effect.conversation)
        elif isinstance(effect, fx.CheckHeads):
            self.head_checks.extend(effect.conversations)
        elif isinstance(effect, fx.RefreshMembers):
            self.refreshes.append(effect.user)
        elif isinstance(effect, fx.Subscribe):
            self.subscribing.append(effect.conversation)
        else:
            self.subscribed.difference_update(effect.conversations, effect.users)

    def pump(self, session: str) -> None:
        """Give a socket what it lacks, as far as it has room."""
        self.thirsty.add(session)
        self.run(self.hub.pump(session, self.room))

    def oldest_position(self, conversation: str) -> int:
        """From where this process has to go on, or will have to when a socket opens that is on its way in."""
        known = self.hub._state.conversations.get(conversation)
        read = [each.memberships for each in self.openings if each.memberships] + self.read_memberships
        found = [each.by_conversation[conversation].last_seq for each in read if conversation in each.by_conversation]
        return min([*found, self.truth.logs[conversation].last_seq, *([known.position] if known else [])])

    # What a test lets happen

    def publish(self, messages: Sequence[Published]) -> None:
        """The relay puts it on the bus."""
        self.bus.extend(messages)

    def hear(self, index: int = 0) -> None:
        """A message arrives, if anybody is subscribed, and the bus is there."""
        kind, content = self.bus.pop(index)
        if self.deaf:
            return
        if kind == "event":
            conversation, epoch, entry = content
            if conversation in self.subscribed:
                self.run(self.hub.event(conversation, epoch, entry))
        elif content.user in self.subscribed:
            self.run(self.hub.note(content))

    def hear_all(self) -> None:
        while self.bus:
            self.hear()

    def confirm(self, index: int = 0) -> None:
        """A subscription is confirmed; then the head is looked at."""
        conversation = self.subscribing.pop(index)
        if self.hub.follows(conversation):
            self.subscribed.add(conversation)
            self.head_checks.append(conversation)

    def read_range(self, index: int = 0) -> None:
        """The messages service answers a fetch; the answer is on its way."""
        conversation, after = self.fetches.pop(index)
        self.answers.append((conversation, after, self.truth.range_answer(conversation, after, self.page)))

    def apply_range(self, index: int = 0) -> None:
        """The answer arrives."""
        conversation, after, answer = self.answers.pop(index)
        entries = [entry for body in answer["bodies"] if (entry := entry_from_body(body))]
        self.run(
            self.hub.fetched(
                conversation,
                after,
                epoch=answer["epoch"],
                last_seq=answer["last_seq"],
                expired=answer["expired"],
                entries=entries,
            )
        )

    def fetch(self, index: int = 0) -> None:
        """Both at once."""
        self.read_range(index)
        self.apply_range(len(self.answers) - 1)

    def expire_hold(self, index: int = 0) -> None:
        self.run(self.hub.hold_expired(self.holds.pop(index)))

    def double_answer(self, index: int = 0) -> None:
        """The same answer is on its way once more; the hub copes with two of it, and nothing real makes even those."""
        _, _, answer = self.answers[index]
        if not answer.get("doubled"):
            answer["doubled"] = True
            self.answers.append(self.answers[index])

    def poll(self) -> None:
        """What the gateway asks each 2 s while it is deaf, and now and then at other times; answered at once."""
        self.head_checks.extend(self.hub.watched())
        self.check_heads()
        self.run(self.hub.versions(self.truth.versions.items()))

    def check_heads(self) -> None:
        asked = list(dict.fromkeys(self.head_checks))
        self.head_checks.clear()
        self.run(self.hub.heads(self.truth.heads(asked), asked))

    def read_members(self, index: int = 0) -> None:
        self.read_memberships.append(self.truth.memberships(self.refreshes.pop(index)))

    def apply_members(self, index: int = 0) -> None:
        self.run(self.hub.members(self.read_memberships.pop(index)))

    def tick(self) -> None:
        """A relay tells all heads and versions."""
        self.run(self.hub.ticked({log.id: log.last_seq for log in self.truth.logs.values() if not log.deleted}))
        self.run(self.hub.versions(self.truth.versions.items()))

    def sweep(self, seconds: float) -> None:
        self.now += seconds
        self.run(self.hub.sweep(self.now))
