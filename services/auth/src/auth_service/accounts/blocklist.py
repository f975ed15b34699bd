"""The passwords that attackers try first: the list that comes with Django (20,000 of them, by Royce Williams)."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from django.contrib.auth import password_validation

from auth_service.accounts.rules.passwords import MIN_CHARS

_FILE = "common-passwords.txt.gz"


@cache
def common_passwords() -> frozenset[str]:
    """Those of the list that are long enough to be sent at all, in lower case."""
    path = Path(password_validation.__file__).with_name(_FILE)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return frozenset(line.strip().lower() for line in lines if len(line.strip()) >= MIN_CHARS)
