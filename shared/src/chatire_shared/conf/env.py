"""The environment, read once at start: a required name that is missing stops the start with its name in the message."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """The variable's value, or the content of the file that `<name>_FILE` names; required when there is no default.

    The file is for values with a password in them: an environment is shown to whoever may look at the process.

    Raises:
        ImproperlyConfigured: the variable is missing and has no default, or the file can't be read.
    """
    if name not in os.environ and f"{name}_FILE" in os.environ:
        return secret_file(f"{name}_FILE")
    value = os.environ.get(name, default)
    if value is None:
        message = f"{name} is not set. See docs/internal.md for what it means; ./chatire up sets it by itself."
        raise ImproperlyConfigured(message)
    return value


def integer(name: str, default: int) -> int:
    """A whole number.

    Raises:
        ImproperlyConfigured: the value is not one.
    """
    raw = os.environ.get(name)
    try:
        return default if raw is None else int(raw)
    except ValueError:
        message = f"{name} must be a whole number, not {raw!r}."
        raise ImproperlyConfigured(message) from None


def switch(name: str, *, default: bool) -> bool:
    """`on` or `off`.

    Raises:
        ImproperlyConfigured: the value is neither.
    """
    raw = os.environ.get(name, "on" if default else "off")
    if raw not in {"on", "off"}:
        message = f"{name} must be on or off, not {raw!r}."
        raise ImproperlyConfigured(message)
    return raw == "on"


def words(name: str, default: str = "") -> tuple[str, ...]:
    """Comma-separated values, blanks left out."""
    return tuple(word.strip() for word in os.environ.get(name, default).split(",") if word.strip())


def secret_file(name: str) -> str:
    """The stripped content of the file that the variable names.

    Raises:
        ImproperlyConfigured: the variable is missing or the file can't be read.
    """
    path = Path(text(name))
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{name} names {path}, which can't be read: {error.strerror}."
        raise ImproperlyConfigured(message) from error
