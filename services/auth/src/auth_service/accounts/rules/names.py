"""User names and addresses: what they may be, and the form in which two of them are the same."""

from __future__ import annotations

import re

from chatire_shared.contracts.errors import FieldError

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,31}")
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAX_EMAIL_CHARS, _MAX_LOCAL_CHARS = 254, 64


def username_problem(username: str) -> FieldError | None:
    """Why `username` can't be one (protocol.md section 3)."""
    if _USERNAME.fullmatch(username):
        return None
    detail = "Use 2 to 32 of A-Z, a-z, 0-9, dot, dash and underscore, beginning with a letter or digit."
    return FieldError("username", "invalid", detail)


def email_problem(email: str) -> FieldError | None:
    """Why `email` can't be an address: only the plain ASCII form is taken, no quotes, comments or address literals."""
    local, at, domain = email.rpartition("@")
    labels = domain.split(".")
    sane = (
        at
        and len(email) <= _MAX_EMAIL_CHARS
        and len(local) <= _MAX_LOCAL_CHARS
        and _LOCAL_PART.fullmatch(local)
        and all(_LABEL.fullmatch(label) for label in labels)
        and (len(labels) > 1 or domain.lower() == "localhost")
    )
    return None if sane else FieldError("email", "invalid", "Send an address like ada@example.org.")


def key_of(name: str) -> str:
    """The form by which user names, and addresses, are compared: case doesn't distinguish them."""
    return name.lower()
