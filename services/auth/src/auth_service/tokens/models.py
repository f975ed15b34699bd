"""Sessions: what a sign-in opens and a refresh token continues."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from auth_service.accounts.models import User
from chatire_shared.contracts.ids import uuid7


class RefreshSession(models.Model):
    """One sign-in on one device, and the family of refresh tokens that continues it.

    Of the family only the newest token is accepted, and only its SHA-256 is stored: nothing in this table signs anybody in.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="refresh_sessions")
    device = models.CharField(max_length=80)
    address = models.CharField(max_length=45)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    token_hash = models.BinaryField(max_length=32)
    generation = models.BigIntegerField(default=0)
    """How often the token was rotated; also inside each token, so an older one is known as spent."""
    rotated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The live sessions of a person are looked up often, the ended ones never."""

        indexes: ClassVar = [
            models.Index(fields=["user", "id"], condition=models.Q(revoked_at=None), name="tokens_live_sessions"),
        ]
