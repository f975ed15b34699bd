"""From a log to what is to be done: who joins, speaks and leaves, in order, and when. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from chatire_replay.irclog import Kind, Line
from chatire_replay.names import identity, username

MOST_CODE_POINTS = 8_000
_HALF_A_DAY = 12 * 60
_DAY = 24 * 60


class Deed(Enum):
    """What a person does in a channel."""

    JOIN = "join"
    SAY = "say"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """One deed. `at_seconds` is the log's time since its first line, spread evenly within each minute."""

    deed: Deed
    who: str
    at_seconds: float
    line: int
    body: str = ""


@dataclass(slots=True)
class Script:
    """A log made ready to be acted out."""

    steps: list[Step] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    """Username to nickname as first spelt."""
    spoken: int = 0
    """Lines with a speaker."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Lines that nobody can send, by reason; and notices that mean nothing here."""

    @property
    def says(self) -> int:
        """How many messages there will be."""
        return sum(step.deed is Deed.SAY for step in self.steps)


def write(lines: Iterable[Line]) -> Script:
    """Turn a log into steps. Who speaks without having joined joins first; a new name is a leave and a join."""
    script = Script()
    present: set[str] = set()
    for line, at in _timed(list(lines)):
        for deed, nick, body in _deeds(line, script):
            who = username(nick)
            script.people.setdefault(who, nick)
            if deed is Deed.LEAVE and who not in present:
                script.skipped["left unseen"] += 1
                continue
            if deed is not Deed.LEAVE and who not in present:
                present.add(who)
                script.steps.append(Step(Deed.JOIN, who, at, line.number))
            if deed is Deed.LEAVE:
                present.discard(who)
            if deed is not Deed.JOIN:
                script.steps.append(Step(deed, who, at, line.number, body))
    return script


def _deeds(line: Line, script: Script) -> Iterator[tuple[Deed, str, str]]:
    match line.kind:
        case Kind.SAID:
            script.spoken += 1
            reason = _unsendable(line.text)
            if reason:
                script.skipped[reason] += 1
            else:
                yield Deed.SAY, line.nick, line.text
        case Kind.JOINED:
            yield Deed.JOIN, line.nick, ""
        case Kind.LEFT:
            yield Deed.LEAVE, line.nick, ""
        case Kind.RENAMED:
            if identity(line.nick) != identity(line.text):
                yield Deed.LEAVE, line.nick, ""
                yield Deed.JOIN, line.text, ""
        case Kind.NOTE | Kind.EMPTY | Kind.UNKNOWN:
            script.skipped[line.kind.value] += 1


def _unsendable(text: str) -> str | None:
    """Why the contract refuses a body (protocol.md section 4), None when it takes it."""
    if not text.strip():
        return "only white space"
    if "\0" in text:
        return "has a NUL"
    return "too long" if len(text) > MOST_CODE_POINTS else None


def _timed(lines: list[Line]) -> Iterator[tuple[Line, float]]:
    """Each line with its time in seconds; the lines of a minute share it evenly, a step back past noon is midnight."""
    minutes: list[int] = []
    day = 0
    previous: int | None = None
    for line in lines:
        if line.minute is not None:
            if previous is not None and previous - line.minute > _HALF_A_DAY:
                day += _DAY
            previous = line.minute
        latest = minutes[-1] if minutes else 0
        minutes.append(max(latest, day + previous) if previous is not None else latest)
    in_minute = Counter(minutes)
    passed: Counter[int] = Counter()
    first = next((minute for minute, line in zip(minutes, lines, strict=True) if line.minute is not None), 0)
    for line, minute in zip(lines, minutes, strict=True):
        share = passed[minute] / in_minute[minute]
        passed[minute] += 1
        yield line, max(0.0, (minute - first + share) * 60)
