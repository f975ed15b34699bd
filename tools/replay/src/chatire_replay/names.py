"""From IRC nicks to usernames that the rules allow: one nick always gives the same name, two nicks never share one."""

from __future__ import annotations

import hashlib
import re

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
_REFUSED_CHARACTER = re.compile(r"[^A-Za-z0-9._-]")
_MARK = "-irc"
_DIGEST_CHARACTERS = 8
_MOST_CHARACTERS = 32


def identity(nick: str) -> str:
    """What makes two spellings one person: IRC takes a nick in any case."""
    return nick.lower()


def username(nick: str) -> str:
    """The username for a nick: itself where the rules allow it, else a legible rest of it and a digest.

    A name that already looks mapped is mapped again, so that no nick can be spelt like another one's username.
    """
    name = identity(nick)
    if _ALLOWED.fullmatch(name) and not re.fullmatch(r".*-irc[0-9a-f]{8}", name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    tail = f"{_MARK}{digest}"
    rest = _REFUSED_CHARACTER.sub("-", name).lstrip("._-")[: _MOST_CHARACTERS - len(tail)] or "nick"
    return rest + tail
