"""Reading an IRC log: bytes in, lines with a meaning out. Knows nothing of Chatire.

    [12:18] <nick> text                      somebody says something
    [12:18]  * nick does                     an action; its text keeps the star and the nick
    === nick [~user@host]  has joined #room  a join; `has left …`, `has quit …` and a kick are leaves
    === nick is now known as other           a new name
    === anything else                        a note: topics, modes, the oldest logs' actions

Empty lines occur, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a line of a log is."""

    SAID = "said"
    JOINED = "joined"
    LEFT = "left"
    RENAMED = "renamed"
    NOTE = "note"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `number` counts from 1; `minute` is that of the day, None where the line carries no time."""

    number: int
    kind: Kind
    minute: int | None = None
    nick: str = ""
    text: str = ""


_STAMP = r"\[(\d\d):(\d\d)\]"
_SAID = re.compile(_STAMP + r" <([^>]+)>(?: (.*))?", re.DOTALL)
_DONE = re.compile(_STAMP + r" +(\* (\S+)(?: .*)?)", re.DOTALL)
_JOINED = re.compile(r"=== (\S+)(?: \[[^\]]*\])? +has joined(?: .*)?")
_LEFT = re.compile(r"=== (\S+)(?: \[[^\]]*\])? +has (?:left|quit)(?: .*)?|=== (\S+) was kicked .*")
_RENAMED = re.compile(r"=== (\S+) is now known as (\S+)")


def read(content: bytes) -> Iterator[Line]:
    """All lines of a log's content, in order. Only LF ends a line; a CR before it belongs to the ending."""
    for number, raw in enumerate(content.removesuffix(b"\n").split(b"\n"), start=1):
        yield _read_line(number, _text(raw.removesuffix(b"\r")))


def _text(raw: bytes) -> str:
    """UTF-8 where it is that, else the Latin-1 that older IRC clients sent: every byte has a meaning there."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _read_line(number: int, text: str) -> Line:
    if not text.strip():
        return Line(number, Kind.EMPTY)
    if said := _SAID.fullmatch(text):
        hour, minute, nick, words = said.groups()
        return Line(number, Kind.SAID, int(hour) * 60 + int(minute), nick, words or "")
    if done := _DONE.fullmatch(text):
        hour, minute, words, nick = done.groups()
        return Line(number, Kind.SAID, int(hour) * 60 + int(minute), nick, words)
    return _read_notice(number, text)


def _read_notice(number: int, text: str) -> Line:
    if joined := _JOINED.fullmatch(text):
        return Line(number, Kind.JOINED, nick=joined[1])
    if left := _LEFT.fullmatch(text):
        return Line(number, Kind.LEFT, nick=left[1] or left[2])
    if renamed := _RENAMED.fullmatch(text):
        return Line(number, Kind.RENAMED, nick=renamed[1], text=renamed[2])
    return Line(number, Kind.NOTE if text.startswith("===") else Kind.UNKNOWN)
