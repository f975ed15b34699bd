"""The pure hub on a stage: every effect becomes something that a test lets happen now, later, or in another order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from truth import Published, Truth
from watcher import Watcher

from gateway_service.realtime import effects as fx
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.ring import Entry, entry_from_body

PLENTY = 1 << 30


@dataclass
class Opening:
    """A socket on its way in."""

    watcher: Watcher
    cursors: Mapping[str, int]
    epochs: Mapping[str, str]
    memberships: Memberships | None = None


@dataclass
class Stage:
    """A hub, the truth behind it, and everything that is under way between them."""

    truth: Truth = field(default_factory=Truth)
    hub: Hub = field(default_factory=Hub)
    page: int = 200
    room: int = PLENTY

    def __post_init__(self) -> None:
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
        self.now = 0.0

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

    # What a test lets happen

    def publish(self, messages: Sequence[Published]) -> None:
        """The relay puts it on the bus."""
        self.bus.extend(messages)

    def hear(self, index: int = 0) -> None:
        """A message arrives, if anybody is subscribed."""
        kind, content = self.bus.pop(index)
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

    # Sockets

    def expect(
        self,
        name: str,
        user: str,
        cursors: Mapping[str, int] | None = None,
        epochs: Mapping[str, str] | None = None,
    ) -> Opening:
        """A socket said who it is: its person's group is subscribed."""
        self.hub.expect(user)
        self.subscribed.add(user)
        opening = Opening(Watcher(name, user, self.truth), cursors or {}, epochs or {})
        self.openings.append(opening)
        return opening

    def read_opening(self, opening: Opening) -> None:
        """Its memberships are read, and its conversations followed."""
        opening.memberships = self.truth.memberships(opening.watcher.user)
        self.run(self.hub.prepare(opening.memberships))

    def finish_opening(self, opening: Opening) -> None:
        """It opens."""
        assert opening.memberships is not None
        self.openings.remove(opening)
        watcher = opening.watcher
        self.watchers[watcher.name] = watcher
        watcher.ready(opening.memberships, opening.cursors)
        self.run(self.hub.attach(watcher.name, opening.memberships, opening.cursors, opening.epochs))
        self.hub.arrived(watcher.user)

    def open(
        self,
        name: str,
        user: str,
        cursors: Mapping[str, int] | None = None,
        epochs: Mapping[str, str] | None = None,
    ) -> Watcher:
        """All of it at once, subscriptions included."""
        opening = self.expect(name, user, cursors, epochs)
        self.read_opening(opening)
        while self.subscribing:
            self.confirm()
        self.finish_opening(opening)
        return opening.watcher

    def resume(self, name: str, cursors: Mapping[str, int], epochs: Mapping[str, str] | None = None) -> None:
        """An open socket asks for conversations from cursors on."""
        watcher = self.watchers[name]
        memberships = self.truth.memberships(watcher.user)
        # What reconciling tells comes before the restart, so the watcher must not begin anew before it.
        self.run(self.hub.members(memberships))
        watcher.restart(memberships, cursors)
        self.run(self.hub.resume(name, memberships, cursors, epochs or {}))

    def close(self, name: str) -> None:
        del self.watchers[name]
        self.thirsty.discard(name)
        self.hub.detach(name)

    def settle(self) -> None:
        """Let everything happen that is under way, with room for all, until nothing is left to do."""
        self.room = PLENTY
        for _ in range(1_000):
            if not self._settle_step():
                return
        raise AssertionError("the hub never comes to rest")

    def heal(self) -> None:
        """One round of the position check that a gateway makes by itself, and all that follows from it."""
        self.settle()
        self.head_checks.extend(self.hub.watched())
        self.check_heads()
        self.run(self.hub.versions(self.truth.versions.items()))
        self.settle()

    def _settle_step(self) -> bool:
        if self.subscribing:
            self.confirm()
        elif self.head_checks:
            self.check_heads()
        elif self.holds:
            self.expire_hold()
        elif self.fetches:
            self.fetch()
        elif self.answers:
            self.apply_range()
        elif self.refreshes:
            self.read_members()
        elif self.read_memberships:
            self.apply_members()
        elif self.thirsty:
            self.run(self.hub.pump(self.thirsty.pop(), PLENTY))
        else:
            return False
        return True

    def assert_everybody_has_everything(self) -> None:
        """G2, G3, G5, G6 at rest: each socket has each of its user's conversations to its end, and no other."""
        for watcher in self.watchers.values():
            expected = {log.id: log.last_seq for log in self.truth.logs.values() if log.stay(watcher.user)}
            assert watcher.last == expected, f"{watcher.name}: {watcher.last} but should {expected}"


__all__ = ["Entry", "Opening", "Stage"]
