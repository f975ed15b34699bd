"""A stage, a doorman and the people who come and go: what the deeds of `deeds_*.py` are done to."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random
from unittest.mock import patch

import doorman
from doorman import Doorman
from stage import PLENTY, Opening, Stage
from truth import Log, id_of
from watcher import Watcher

from gateway_service.realtime import belonging, conversation, ring

PEOPLE = [id_of(name) for name in ("ada", "grace", "linus")]
PLACES = [id_of(name) for name in ("lobby", "lab", "den")]
MAX_SOCKETS = 6
TOKEN_SECONDS = 600

Deed = Callable[["Weather", Random], bool]
"""Does something; False when there was nothing to do it to."""
Deeds = dict[str, tuple[Deed, int]]
"""By name: the deed, and how often it is done among the others."""


class Weather:
    """A stage, its doorman, and the people who come and go."""

    def __init__(self, seed: int) -> None:
        """Choose the size of everything small enough that its limits are met."""
        random = Random(seed)
        self.stage = Stage(page=random.choice([1, 3, 200]), room=random.choice([1, 400, PLENTY]))
        self.doorman = Doorman(self._closed)
        self.sizes = {
            (ring, "MAX_FRAMES"): random.choice([2, 5, 128]),
            (conversation, "MAX_HELD"): random.choice([2, 64]),
            (belonging, "MAX_REPLAY"): random.choice([8, 2_000]),
        }
        self.sent_away: list[Watcher] = []
        self._numbers = count()
        for name, members, since in (("lobby", 2, False), ("lab", 1, True), ("den", 3, False)):
            self.stage.publish(self.stage.truth.create(name, PEOPLE[:members], since_joined=since))
        for user in PEOPLE[: random.randrange(len(PEOPLE) + 1)]:
            self.open_at_once(self.come(user, {}, {}, random))

    # For the deeds

    def log(self, random: Random) -> Log | None:
        """A conversation that exists."""
        log = self.stage.truth.logs[random.choice(PLACES)]
        return None if log.deleted else log

    def name(self) -> str:
        """A new socket's."""
        return f"socket {next(self._numbers)}"

    def watcher(self, random: Random) -> Watcher | None:
        """One of the open sockets."""
        return self.stage.watchers[random.choice(sorted(self.stage.watchers))] if self.stage.watchers else None

    def is_full(self) -> bool:
        """Whether there are enough sockets."""
        return len(self.doorman.guests) >= MAX_SOCKETS

    def come(self, user: str, cursors: dict[str, int], epochs: dict[str, str], random: Random) -> Opening:
        """A socket knocks and says who it is."""
        name, lives = self.name(), random.choice([30, 61, TOKEN_SECONDS])
        token = doorman.token_of(user, random.randrange(3), self.doorman.unix + lives)
        by_header = bool(cursors) and random.random() < 0.2
        self.doorman.knock(name, header=token if by_header else None)
        text = doorman.resume(cursors, epochs) if by_header else doorman.auth(token, cursors, epochs)
        wanted = self.doorman.first(name, text)
        assert wanted is not None, "a good token was refused"
        return self.stage.expect(name, user, wanted.cursors, wanted.epochs)

    def open(self, opening: Opening) -> None:
        """Let it in."""
        self.stage.finish_opening(opening)
        self.doorman.opened(opening.watcher.name)

    def open_at_once(self, opening: Opening) -> None:
        """Read, confirm, let in."""
        if opening.memberships is None:
            self.stage.read_opening(opening)
        while self.stage.subscribing:
            self.stage.confirm()
        self.open(opening)

    def cursors(self, random: Random) -> dict[str, int]:
        """What a client may say that it has: nothing, some, all, too much."""
        found = {}
        for place in random.sample(PLACES, random.randrange(len(PLACES) + 1)):
            last = self.stage.truth.logs[place].last_seq
            found[place] = random.choice([0, max(0, last - 2), last, last + 3, random.randrange(last + 1)])
        return found

    def _closed(self, name: str) -> None:
        """The doorman sent a socket away: it gets nothing more."""
        watcher = self.stage.watchers.get(name)
        if watcher is not None:
            self.stage.close(name)
            self.sent_away.append(watcher)
        for opening in [each for each in self.stage.openings if each.watcher.name == name]:
            self.stage.give_up(opening)

    # The law

    def heal(self) -> None:
        """Whatever was lost: one position check later everybody has everything."""
        room, self.stage.deaf = self.stage.room, False
        self.stage.heal()
        self.stage.assert_everybody_has_everything()
        self.stage.room = room


class Sizes:
    """The limits that a weather has chosen, for as long as it lasts."""

    def __init__(self, weather: Weather) -> None:
        self._patches = [patch.object(module, name, size) for (module, name), size in weather.sizes.items()]

    def __enter__(self) -> None:
        for each in self._patches:
            each.start()

    def __exit__(self, *_: object) -> None:
        for each in self._patches:
            each.stop()
