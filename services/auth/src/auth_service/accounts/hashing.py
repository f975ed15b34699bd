"""Password hashing: Argon2id at a cost we chose, few at a time (security.md R37)."""

from __future__ import annotations

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
"""Hashes computed at the same time in one process: bounds memory to AT_ONCE x 19 MiB however many people sign in."""

_slots = threading.BoundedSemaphore(AT_ONCE)


class CappedArgon2id(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane: OWASP's first choice; Django's default of 100 MiB feeds a flood."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """Hash `password`, waiting for a slot."""
        with _slots:
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` made `encoded`, waiting for a slot."""
        with _slots:
            return bool(super().verify(password, encoded))
