"""Sessions end and members are removed while their sockets are open and messages flow, with Valkey and without (G6, G7).

A round opens sockets in one conversation into which somebody posts all the time, freezes Valkey (every other round), and
then ends each session or membership in a way of its own at a random moment. Each must be over everywhere within 2 s:
the socket closed with 4409 or told `left`, HTTP refused by auth at once and by every messages worker; and nothing may
come over a socket afterwards.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from uuid import uuid4

from chatire_client import Account, Http
from chatire_faults.figures import percentiles
from chatire_faults.insisting import insist
from chatire_faults.scenarios._trial import Trial
from chatire_faults.scenarios._ways_out import CLOSING, PASSWORD, REMOVED, REMOVED_WEIGHT, Subject
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, send_signal

TRIES = 1_000
ROUND_TRIES = 40
SPREAD_SECONDS = 4.0
POST_EVERY_SECONDS = 0.1
BAR_SECONDS = 2.0
THREADS = 64


def run(setting: Setting) -> Report:
    """Play it."""
    with Stack.started(setting.folder) as stack:
        return asyncio.run(_Play(setting, stack).run())


class _Play:
    """One run."""

    def __init__(self, setting: Setting, stack: Stack) -> None:
        self._setting = setting
        self._stack = stack
        self._random = Random(setting.seed)
        self._http = Http(f"http://127.0.0.1:{stack.port}", connections=THREADS)
        self._posted = 0
        self._trials: list[Trial] = []

    async def run(self) -> Report:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        (self._keeper,) = await asyncio.to_thread(self._stack.make_people, ["revocation-keeper"], self._http)
        tries, number = self._setting.count(TRIES, least=30), 0
        size = min(ROUND_TRIES, -(-tries // 2))  # Two rounds at least: with Valkey, and without.
        while len(self._trials) < tries:
            await self._round(number, min(size, tries - len(self._trials)), without_valkey=number % 2 == 1)
            number += 1
        return self._report()

    async def _round(self, number: int, size: int, *, without_valkey: bool) -> None:
        trials = await self._prepare(number, size)
        enough = asyncio.Event()
        posting = asyncio.create_task(self._post(trials[0].conversation, enough))
        with self._frozen(await asyncio.to_thread(self._stack.pid, "valkey"), really=without_valkey):
            delays = [self._random.uniform(0, SPREAD_SECONDS) for _ in trials]
            await asyncio.gather(*(trial.run(delay) for trial, delay in zip(trials, delays, strict=True)))
        enough.set()
        await posting
        for trial in trials:
            trial.without_valkey = without_valkey
            await trial.close()
        self._trials += trials
        slowest = max(trials, key=lambda trial: trial.seconds)
        state = "without Valkey" if without_valkey else "with Valkey"
        self._setting.tell(
            f"round {number + 1} {state}: {len(self._trials)} tries, slowest {slowest.seconds:.2f} s, {slowest.way}"
        )

    async def _prepare(self, number: int, size: int) -> list[Trial]:
        """A conversation and people with open sockets in it, in each of whom something is about to end."""
        names = [*CLOSING, REMOVED]
        weights = [*(way.weight for way in CLOSING.values()), REMOVED_WEIGHT]
        ways = self._random.choices(names, weights, k=size)
        subjects = await asyncio.to_thread(self._make_subjects, number, ways)
        members = {"kind": "group", "title": f"Round {number}", "member_ids": [one.account.id for one in subjects]}
        made = await asyncio.to_thread(self._keeper.call, "POST", "/api/conversations/", members)
        services = [self._stack.addresses[name] for name in ("auths", "messages")]
        trials = [
            Trial(self._stack, way, subject, self._keeper, made["id"], auths=services[0], messages=services[1])
            for way, subject in zip(ways, subjects, strict=True)
        ]
        await asyncio.gather(*(trial.open() for trial in trials))
        return trials

    def _make_subjects(self, number: int, ways: list[str]) -> list[Subject]:
        names = [f"subject-{number}-{place}" for place in range(len(ways))]
        with_password = [name for name, way in zip(names, ways, strict=True) if _needs(way, "needs_password")]
        paired = [name for name, way in zip(names, ways, strict=True) if _needs(way, "needs_other")]
        if with_password:
            self._stack.make_people(with_password, self._http, password=PASSWORD)
        accounts = self._stack.make_people(names, self._http)
        others = self._stack.make_people(paired, self._http) if paired else []
        by_name: dict[str, Account] = {one.username: one for one in others}
        return [Subject(one, by_name.get(one.username)) for one in accounts]

    async def _post(self, conversation: str, enough: asyncio.Event) -> None:
        path = f"/api/conversations/{conversation}/messages/"
        while not enough.is_set():
            self._posted += 1
            fields = {"client_id": str(uuid4()), "body": f"secret {self._posted}"}
            await insist(lambda: self._keeper.call("POST", path, fields))  # noqa: B023 (called before the next one)
            await asyncio.sleep(POST_EVERY_SECONDS)

    @contextmanager
    def _frozen(self, pid: int, *, really: bool) -> Iterator[None]:
        if not really:
            yield
            return
        send_signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            send_signal(pid, signal.SIGCONT)

    def _report(self) -> Report:
        report = Report("revocation")
        trials = self._trials
        report.figures["tries"] = len(trials)
        report.figures["without_valkey"] = sum(trial.without_valkey for trial in trials)
        report.figures["posted"] = self._posted
        report.figures["events_seen"] = sum(trial.events for trial in trials)
        for frozen, name in ((False, "with_valkey"), (True, "without_valkey")):
            for way in (*CLOSING, REMOVED):
                these = [trial for trial in trials if trial.way == way and trial.without_valkey is frozen]
                report.figures[f"{name}_{way}"] = _times([trial.seconds for trial in these])
            ended = [trial for trial in trials if trial.way in CLOSING and trial.without_valkey is frozen]
            report.figures[f"{name}_http_refused"] = _times([trial.refused_after for trial in ended])
        report.figures["leaks"] = sum(trial.leaks for trial in trials)
        report.figures["slowest_s"] = round(max(trial.seconds for trial in trials), 3)
        late = [trial for trial in trials if max(trial.seconds, trial.refused_after) > BAR_SECONDS]
        report.require(not late, f"{len(late)} of {len(trials)} took longer than {BAR_SECONDS:g} s")
        for trial in trials:
            for sentence in trial.wrong:
                report.wrong.append(f"{trial.way}, {trial.subject.account.username}: {sentence}")
        return report


def _needs(way: str, what: str) -> bool:
    return way in CLOSING and bool(getattr(CLOSING[way], what))


def _times(seconds: list[float]) -> dict[str, float | int]:
    """How many, and their p50, p99 and the longest in milliseconds."""
    if not seconds:
        return {"tries": 0}
    return {"tries": len(seconds)} | percentiles(seconds)
