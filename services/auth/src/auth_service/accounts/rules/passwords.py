"""Passwords: long, of any Unicode, and not among the first that an attacker tries (NIST SP 800-63B; security.md R36)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from chatire_shared.contracts.errors import FieldError

MIN_CHARS, MAX_CHARS = 12, 128
_FEWEST_OWN_LETTERS = 4


def normalised(password: str) -> str:
    """The form that is hashed: NFC, so the same keys typed on another system still match."""
    return unicodedata.normalize("NFC", password)


def password_problem(
    password: str, *, common: Collection[str], context: Collection[str], field: str = "password"
) -> FieldError | None:
    """Why `password` is refused.

    Args:
        password: As sent.
        common: The blocklist, in lower case.
        context: Words that an attacker would try for this account: its name, the local part of its address.
        field: Name of the field in the request.
    """
    if len(password) < MIN_CHARS:
        return FieldError(field, "too_short", f"Use at least {MIN_CHARS} characters; a few words make a good one.")
    if len(password) > MAX_CHARS:
        return FieldError(field, "too_long", f"Use at most {MAX_CHARS} characters.")
    lowered = normalised(password).lower()
    if lowered in common:
        return FieldError(field, "common", "This is among the first passwords that attackers try; use another one.")
    if _is_made_of(lowered, {*context, "chatire"}):
        return FieldError(field, "common", "This is mostly your name or ours; use a password that can't be guessed.")
    return None


def _is_made_of(password: str, words: Collection[str]) -> bool:
    """Whether fewer than four letters are left of `password` without `words`, one of which is in it."""
    rest = password
    for word in sorted((word.lower() for word in words if word), key=len, reverse=True):
        rest = rest.replace(word, "")
    return rest != password and sum(char.isalpha() for char in rest) < _FEWEST_OWN_LETTERS
