"""Turning the signing keys and telling the other services."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from auth_service.accounts.services.feed import Entry, record_changes
from auth_service.tokens.keys import KeyFolder


def rotate_keys(folder: KeyFolder, *, now: datetime, forget_old: bool = False) -> list[str]:
    """Sign with the next key from now on.

    Args:
        folder: Where the keys are.
        now: Time of the rotation.
        forget_old: Stop accepting the old keys at once (a key leaked): everybody's access token is void.
    Returns: the `kid`s published from now on.
    Raises: OSError: there are no keys yet.
    """
    # The file first: should the entry fail, verifiers still learn of the key, from its unknown `kid`.
    kids = list(folder.rotate(now=now, forget_old=forget_old).public_keys())
    with transaction.atomic():
        record_changes([Entry("keys.rotated", {"kids": kids})], now=now)
    return kids
