"""The pure hub on a stage: sockets come and go, and a test decides what happens to all that is under way in the wings."""

from __future__ import annotations

from collections.abc import Mapping

from watcher import Watcher
from wings import PLENTY, Opening, Wings

from gateway_service.realtime.hub import Hub


class Stage(Wings):
    """A hub, its sockets, and what must be true when nothing is under way any more."""

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
        watcher.ready(opening.memberships, opening.cursors, opening.epochs)
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
        watcher.restart(memberships, cursors, epochs or {})
        self.run(self.hub.resume(name, memberships, cursors, epochs or {}))

    def close(self, name: str) -> None:
        del self.watchers[name]
        self.thirsty.discard(name)
        self.hub.detach(name)

    def give_up(self, opening: Opening) -> None:
        """It went away before it was let in."""
        self.openings.remove(opening)
        self.hub.arrived(opening.watcher.user)

    def kill(self) -> list[Watcher]:
        """The process dies, and another begins without any memory; returns the sockets that were open."""
        lost = list(self.watchers.values())
        self.hub = Hub()
        self.forget()
        return lost

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
        self.poll()
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
            assert not watcher.refused, f"{watcher.name} was not told about {watcher.refused}"


__all__ = ["PLENTY", "Opening", "Stage"]
