"""One replay from the first user made to the last event checked."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from chatire_client import Account, Http, Problem
from chatire_replay.channel import Channel, Means
from chatire_replay.errors import ReplayError
from chatire_replay.figures import FAULTS, Figures, Row, percentiles
from chatire_replay.irclog import read
from chatire_replay.ledger import Ledger
from chatire_replay.pace import Pace
from chatire_replay.progress import Progress
from chatire_replay.script import write
from chatire_replay.stack import LIMITS_ARE_ON, Elsewhere, Person, Stack
from chatire_replay.troupe import Troupe
from chatire_replay.watchers import Watcher, Weather

KEEPER = "replay-keeper"
STALLED_SECONDS = 60.0
_HTTP_THREADS = 16
_PAGE = "200"
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    files: list[Path]
    watchers: int = 20
    speed: str = "max"
    seed: int = 1
    window: int = 64
    most_open: int = 200
    kill_gateway: bool = False


class Replay:
    """Everything of one run. `run` is all there is to call."""

    def __init__(self, stack: Stack | Elsewhere, options: Options) -> None:
        """Read the logs; nothing is sent yet."""
        self._stack = stack
        self._options = options
        self._random = Random(options.seed)
        self._scripts = [write(read(path.read_bytes())) for path in options.files]
        self._total = sum(script.says for script in self._scripts)
        self._http = Http(stack.address, connections=_HTTP_THREADS)
        self._progress = Progress(self._total)
        self._sent = 0
        self._killed: list[str] = []
        self._latencies: list[float] = []
        self._background: set[asyncio.Task[None]] = set()

    def run(self) -> Figures:
        """Do it.

        Raises: ReplayError.
        """
        try:
            accounts = self._make_people()
            self._ledgers = self._make_channels(accounts)
            return asyncio.run(self._act(accounts))
        except Problem as problem:
            raise _explained(problem) from problem
        except ExceptionGroup as group:
            raise _explained(_first_of(group)) from group

    def _chance(self) -> Random:
        """Somebody's own luck, so that nobody's depends on who drew before them."""
        return Random(self._random.random())

    # Before the first line.

    def _make_people(self) -> dict[str, Account]:
        nicks = {who: nick for script in reversed(self._scripts) for who, nick in script.people.items()}
        people = [Person(KEEPER, "Replay"), *(Person(name, name.title()) for name in self._watcher_names())]
        people += [Person(who, nick) for who, nick in nicks.items()]
        self._progress.say(f"Making {len(people):,} people (those of an earlier replay are taken again) …")
        return self._stack.make_people(people, self._http)

    def _watcher_names(self) -> list[str]:
        return [f"replay-watcher-{number:02}" for number in range(1, self._options.watchers + 1)]

    def _make_channels(self, accounts: dict[str, Account]) -> list[Ledger]:
        ids = {who: account.id for who, account in accounts.items()}
        keeper = accounts[KEEPER]
        members = [ids[name] for name in self._watcher_names()]
        ledgers = []
        for path in self._options.files:
            title = self._free_title(keeper, path.name.removesuffix(".txt").removesuffix(".raw"))
            fields = {"kind": "channel", "title": title, "topic": f"Replay of {path.name}", "member_ids": members}
            conversation = keeper.call("POST", "/api/conversations/", fields)
            ledgers.append(Ledger(title, conversation["id"], ids))
        return ledgers

    def _free_title(self, keeper: Account, wanted: str) -> str:
        """The file's name, with a number when an earlier replay has it."""
        number = 1
        while True:
            title = wanted if number == 1 else f"{wanted} ({number})"
            found = keeper.call("GET", "/api/channels/", search=title)["channels"]
            if all(channel["title"] != title for channel in found):
                return title
            number += 1

    # The replay itself.

    async def _act(self, accounts: dict[str, Account]) -> Figures:
        by_id = {ledger.conversation: ledger for ledger in self._ledgers}
        self._watchers = [
            Watcher(accounts[name], by_id, self._latencies, self._chance()) for name in self._watcher_names()
        ]
        await asyncio.gather(*(watcher.start() for watcher in self._watchers))
        self._weather = Weather(self._watchers, self._total, self._chance())
        self._kill_at = self._total * self._random.randint(40, 60) // 100 if self._options.kill_gateway else -1
        troupe = Troupe(accounts, self._options.most_open, self._chance)
        pace = Pace.named(self._options.speed)
        self._progress.say(
            f"Sending {self._total:,} lines to {len(self._ledgers)} channels, {len(self._watchers)} watching …"
        )
        with ThreadPoolExecutor(_HTTP_THREADS) as calls:
            means = Means(accounts, troupe, pace, calls, self._options.window, self._on_sent)
            channels = [Channel(s, ledger, means) for s, ledger in zip(self._scripts, self._ledgers, strict=True)]
            began = time.monotonic()
            pace.begin()
            await asyncio.gather(*(channel.act() for channel in channels))
            seconds = time.monotonic() - began
        self._weather.clear()
        await troupe.close()
        await self._check(accounts[KEEPER])
        await asyncio.gather(*(watcher.stop() for watcher in self._watchers), *self._background)
        return self._figures(seconds)

    def _on_sent(self) -> None:
        self._sent += 1
        self._progress.at(self._sent)
        self._weather.at(self._sent)
        if self._sent == self._kill_at:
            task = asyncio.create_task(self._kill_gateway())
            self._background.add(task)

    async def _kill_gateway(self) -> None:
        name = await asyncio.to_thread(self._stack.kill_gateway, self._chance())
        self._killed.append(f"{name} after {self._sent:,} lines")
        self._progress.say(f"Killed {self._killed[-1]}")

    # After the last line.

    async def _check(self, keeper: Account) -> None:
        self._progress.say("All sent; waiting for the watchers, then reading everything back …")
        heads = {each.conversation: await asyncio.to_thread(_head, keeper, each.conversation) for each in self._ledgers}
        await self._wait_for_watchers(heads)
        for watcher in self._watchers:
            watcher.settle()
        for ledger in self._ledgers:
            ledger.check_stored(await asyncio.to_thread(_history, keeper, ledger.conversation))

    async def _wait_for_watchers(self, heads: dict[str, int]) -> None:
        """Until everybody has everything, or nothing more has come for a minute."""
        progress, since = -1, time.monotonic()
        while any(watcher.behind(heads) for watcher in self._watchers):
            now = sum(watcher.progress for watcher in self._watchers)
            if now != progress:
                progress, since = now, time.monotonic()
            if time.monotonic() - since > STALLED_SECONDS:
                return
            await asyncio.sleep(0.1)

    def _figures(self, seconds: float) -> Figures:
        skipped: Counter[str] = sum((script.skipped for script in self._scripts), Counter())
        spoken = sum(script.spoken for script in self._scripts)
        unsaid = spoken - self._total
        faults = [*(ledger.faults for ledger in self._ledgers), *(watcher.faults for watcher in self._watchers)]
        entries = [entry for ledger in self._ledgers for entry in ledger.entries.values() if entry.ack]
        return Figures(
            seed=self._options.seed,
            speed=self._options.speed,
            people=len({who for script in self._scripts for who in script.people}),
            spoken=spoken,
            skipped=unsaid,
            notices={
                name: count for name, count in skipped.items() if name in {"note", "left unseen", "unknown", "empty"}
            },
            seconds=seconds,
            channels=[_channel_row(ledger) for ledger in self._ledgers],
            watchers=[_watcher_row(watcher) for watcher in self._watchers],
            drops=sum(watcher.drops for watcher in self._watchers),
            resumes=sum(watcher.connections - 1 for watcher in self._watchers),
            resyncs=sum(watcher.resyncs for watcher in self._watchers),
            killed=self._killed,
            refused=sum(each.refused for each in faults),
            foreign=sum(each.foreign for each in faults),
            ack_ms=percentiles(entry.acked_at - entry.sent_at for entry in entries),
            delivery_ms=percentiles(self._latencies),
            examples=[example for each in faults for example in each.examples][:20],
        )


def _explained(reason: Exception) -> ReplayError:
    if isinstance(reason, Problem) and reason.status == _TOO_MANY_REQUESTS:
        return ReplayError(LIMITS_ARE_ON)
    return ReplayError(f"the replay can't go on: {type(reason).__name__}: {reason}")


def _first_of(group: ExceptionGroup[Exception]) -> Exception:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, ExceptionGroup) else first


def _head(keeper: Account, conversation: str) -> int:
    return int(keeper.call("GET", f"/api/conversations/{conversation}/")["last_seq"])


def _history(keeper: Account, conversation: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    more, after = True, 0
    while more:
        path = f"/api/conversations/{conversation}/messages/"
        page = keeper.call("GET", path, None, after=str(after), limit=_PAGE)
        messages += page["messages"]
        more = page["has_after"] and bool(page["messages"])
        after = messages[-1]["seq"] if messages else 0
    return messages


def _channel_row(ledger: Ledger) -> Row:
    faults = {name: getattr(ledger.faults, name) for name in FAULTS}
    return Row(ledger.title, sent=len(ledger.entries), acked=ledger.acks, stored=ledger.stored, **faults)


def _watcher_row(watcher: Watcher) -> Row:
    return Row(watcher.name, delivered=watcher.delivered, **{name: getattr(watcher.faults, name) for name in FAULTS})
