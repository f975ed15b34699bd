"""What people may say about themselves."""

from __future__ import annotations

import re
import unicodedata

from chatire_shared.contracts.errors import FieldError

MAX_DISPLAY_NAME_CHARS, MAX_STATUS_CHARS = 64, 140

_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
# Controls, line and paragraph separators; and the marks that turn the writing direction of what follows a name.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTION_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def display_name_problem(name: str) -> FieldError | None:
    """Why `name` can't be shown as somebody's name."""
    if len(name) > MAX_DISPLAY_NAME_CHARS:
        return FieldError("display_name", "too_long", f"Use at most {MAX_DISPLAY_NAME_CHARS} characters.")
    if not name.strip():
        return FieldError("display_name", "blank", "Use at least one visible character.")
    if _has_controls(name):
        return FieldError("display_name", "invalid", "Leave out control characters and line breaks.")
    return None


def status_text_problem(text: str) -> FieldError | None:
    """Why `text` can't be a status; an empty one is fine."""
    if len(text) > MAX_STATUS_CHARS:
        return FieldError("status_text", "too_long", f"Use at most {MAX_STATUS_CHARS} characters.")
    if _has_controls(text):
        return FieldError("status_text", "invalid", "Leave out control characters and line breaks.")
    return None


def locale_problem(locale: str) -> FieldError | None:
    """Why `locale` can't be a language tag (RFC 5646, its common part)."""
    if _LOCALE.fullmatch(locale):
        return None
    return FieldError("locale", "invalid", "Send a language tag like en, de or pt-BR.")


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(char) in _REFUSED_CATEGORIES or char in _DIRECTION_MARKS for char in text)
