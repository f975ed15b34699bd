"""The one table of the shared package."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class OutboxRow(models.Model):
    """One message that a committed transaction wants published.

    Rows are written and worked off by SQL (`services.py`, `store.py`); the model is there for migrations and
    for looking.
    """

    stream = models.UUIDField(help_text="What is published in order: the conversation, or the person.")
    topic = models.TextField(help_text="Group of the channel layer.")
    seq = models.BigIntegerField(null=True, help_text="The event's number in its conversation; null for other notes.")
    payload = models.BinaryField(help_text="The layer message as bus.wire encodes it.")
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.SmallIntegerField(
        db_default=0, help_text="How often it could not be published for its own fault."
    )
    parked_at = models.DateTimeField(null=True, help_text="When the relay gave up on it; it is kept to be looked at.")

    class Meta:
        """Indexes: the relay walks pending rows by stream; parked ones are found for redaction."""

        db_table = "outbox_row"
        indexes = [  # noqa: RUF012 (Django's own form)
            models.Index(fields=["stream", "id"], name="outbox_pending", condition=models.Q(parked_at__isnull=True)),
            models.Index(fields=["stream", "seq"], name="outbox_parked", condition=models.Q(parked_at__isnull=False)),
        ]

    def __str__(self) -> str:
        """For the shell and logs; never the payload."""
        return f"{self.topic} {self.seq}"
