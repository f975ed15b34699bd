"""People talk while a script is played; everything is checked as in a campaign, and each phase has its own figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chatire_faults.campaign import Campaign, Options
from chatire_faults.figures import Figures
from chatire_faults.history import History, Sent, What
from chatire_faults.nemesis import Injected, Nemesis
from chatire_faults.scenarios._crowd import p99_ms
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack
from chatire_faults.world import World

CLIENTS, CONVERSATIONS, RATE = 12, 5, 15.0
LATE_SECONDS = 1.0
"""What reaches a device on a good line later than this after its commit is no live update."""


@dataclass(slots=True)
class Played:
    """What went on, in Unix seconds: each phase from its beginning to its end."""

    phases: dict[str, tuple[float, float]] = field(default_factory=dict)

    @asynccontextmanager
    async def phase(self, name: str) -> AsyncIterator[None]:
        """Note the time of what is done inside."""
        began = time.time()
        try:
            yield
        finally:
            self.phases[name] = (began, time.time())


Script = Callable[[World, Played], Awaitable[None]]


class Play(Campaign):
    """A campaign whose nemesis follows a script."""

    def __init__(self, stack: Stack, setting: Setting, script: Script) -> None:
        """Prepare."""
        options = Options(
            setting.seed, [], minutes=1e-6, clients=CLIENTS, conversations=CONVERSATIONS, rate=RATE, every_seconds=1.0
        )
        super().__init__(stack, options, setting.tell)
        self._script = script
        self.played = Played()

    def _nemesis(self, world: World) -> Nemesis:
        return _Scripted(world, self._script, self.played, self._tell)


class _Scripted(Nemesis):
    def __init__(self, world: World, script: Script, played: Played, tell: Callable[[str], None]) -> None:
        super().__init__(world, [], 0, 1.0, tell)
        self._script = script
        self._played = played

    async def rage(self, seconds: float) -> None:
        """Play the script to its end, however long that takes."""
        await self._script(self._world, self._played)
        self.injected += [Injected(name, "", began, ended) for name, (began, ended) in self._played.phases.items()]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a play."""

    figures: Figures
    history: History
    phases: dict[str, tuple[float, float]]

    def sent_in(self, phase: str) -> list[Sent]:
        """Messages sent while it lasted."""
        began, ended = self.phases[phase]
        return [message for message in self.history.sent if began <= message.at < ended]

    def ack_seconds(self, phase: str) -> list[float]:
        """From sending to the ack, of what was sent and acknowledged."""
        return [message.acked_at - message.at for message in self.sent_in(phase) if message.acked_at]

    def gap_seconds(self, began: float, ended: float) -> list[tuple[float, float]]:
        """Commit, and seconds until shown, of what was committed in a time, for each device on a good line."""
        at = {(each.conversation, event.seq): event.at for each in self.history.stored for event in each.events}
        found = []
        for device in self.history.devices:
            for note in device.log if device.direct else ():
                committed = at.get((note.conversation, note.seq))
                if note.what is What.SHOWN and committed is not None and began <= committed < ended:
                    start = max(committed, note.since)
                    found.append((committed, max(0.0, note.at - start)))
        return found

    def live_again_seconds(self, since: float, until: float) -> float:
        """From `since` to the last commit before `until` that was not shown live."""
        late = [committed for committed, seconds in self.gap_seconds(since, until) if seconds > LATE_SECONDS]
        return max(late, default=since) - since

    def begin_report(self, name: str, *, but: str = "") -> Report:
        """A report that holds the promises of every campaign; `but` one that can't be told here."""
        report = Report(name)
        report.figures |= {"messages_acked": self.figures.acked, "events_shown": self.figures.shown}
        breaches = [f"{count} {breach}" for breach, count in self.figures.breaches.items() if count and breach != but]
        examples = [example for example in self.figures.examples if not example.startswith(f"{but}:")][:5]
        for sentence in [*breaches, *examples, *self.figures.gave_up, *self.figures.trouble]:
            report.require(False, sentence)
        return report

    def add(self, report: Report, phase: str, *, prefix: str = "") -> tuple[float, float]:
        """The figures of a phase; its 99th percentile of acks and its longest gap, in seconds."""
        began, ended = self.phases[phase]
        sent, acks, gaps = self.sent_in(phase), self.ack_seconds(phase), self.gap_seconds(began, ended)
        name = prefix or phase.replace(" ", "_")
        longest = max((seconds for _, seconds in gaps), default=0.0)
        report.figures[f"{name}_sent"] = len(sent)
        report.figures[f"{name}_acked"] = sum(bool(message.acks) for message in sent)
        report.figures[f"{name}_ack_p99_ms"] = p99_ms(acks)
        report.figures[f"{name}_gap_max_ms"] = round(longest * 1_000, 1)
        return p99_ms(acks) / 1_000, longest


def play(stack: Stack, setting: Setting, script: Script) -> Outcome:
    """Let people talk on a stack while the script is played."""
    played = Play(stack, setting, script)
    figures = asyncio.run(played.run())
    return Outcome(figures, played.history, played.played.phases)
