"""Messages as they are now, and their earlier bodies. How they came to be so is in the event log."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from messages_service.conversations.models import Conversation
from messages_service.people.models import Person
from messages_service.timeline.rules.bodies import BODY_MAX


class Message(models.Model):
    """A message; `seq` is that of the event which created it. `body` and `html` are null exactly when it is deleted.

    Without database-level foreign keys, for the reason given at `conversations.models.Event`.
    """

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation = models.ForeignKey(
        Conversation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField()
    id = models.UUIDField()
    client_id = models.UUIDField()
    sender = models.ForeignKey(Person, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    body = models.TextField(null=True)  # noqa: DJ001 (null: deleted)
    html = models.TextField(null=True)  # noqa: DJ001
    reply_to = models.UUIDField(null=True)
    pinned = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        """Idempotency, and what a message can't be."""

        constraints = (
            models.UniqueConstraint(fields=["conversation", "sender", "client_id"], name="message_client_id"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="message_seq_from_one"),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, body__isnull=False, html__isnull=False)
                | Q(deleted_at__isnull=False, body=None, html=None),
                name="message_text_unless_deleted",
            ),
            models.CheckConstraint(
                condition=Q(GreaterThanOrEqual(Length("body"), 1), LessThanOrEqual(Length("body"), BODY_MAX)),
                name="message_body_length",
            ),
        )
        indexes = (
            models.Index(fields=["id"], name="message_id"),
            models.Index(
                fields=["conversation", "seq"],
                include=["sender"],
                condition=Q(deleted_at=None),
                name="message_undeleted",
            ),
        )

    def __str__(self) -> str:
        return f"message {self.id}"


class MessageEdit(models.Model):
    """A body that a message had before an edit."""

    pk = models.CompositePrimaryKey("conversation_id", "message_id", "number")
    conversation_id = models.UUIDField()
    message_id = models.UUIDField()
    number = models.IntegerField()
    body = models.TextField()
    edited_at = models.DateTimeField()

    class Meta:
        """Edits count from 1."""

        constraints = (models.CheckConstraint(condition=Q(number__gte=1), name="message_edit_number"),)

    def __str__(self) -> str:
        return f"edit {self.number} of {self.message_id}"
