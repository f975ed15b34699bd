"""Conversations, memberships, invites, and the event log. What must never be false is a constraint here.

Every unique key of the log contains the conversation, so that it can be hash-partitioned by it later.
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from chatire_shared.contracts.ids import uuid7
from messages_service.conversations.rules.kinds import EventKind, History, Kind, Role
from messages_service.conversations.rules.texts import TITLE_MAX, TOPIC_MAX
from messages_service.people.models import Person


class Conversation(models.Model):
    """A direct, group or channel conversation; its row is the lock under which everything in it happens.

    Attributes:
        direct_key: The two people of a direct conversation, "lower id:higher id"; null for other kinds.
        epoch: Changes when the log was put back to an older state (a restored backup), so that cursors are void.
        last_seq: The newest event's `seq`.
        first_kept_seq: The oldest event that has not been pruned.
        deleted_at: From then on it exists for nobody; the log stays so that the gateway can deliver its end.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.CharField(max_length=7)
    title = models.CharField(max_length=TITLE_MAX, null=True)  # noqa: DJ001 (null: has none, as on the wire)
    topic = models.CharField(max_length=TOPIC_MAX, default="")
    history = models.CharField(max_length=12, default=History.ALL)
    archived = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    last_activity_at = models.DateTimeField()
    epoch = models.UUIDField(default=uuid4)
    last_seq = models.BigIntegerField(default=0)
    first_kept_seq = models.BigIntegerField(default=1)
    member_count = models.IntegerField(default=0)
    direct_key = models.CharField(max_length=73, null=True, unique=True)  # noqa: DJ001 (null keeps others apart)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        """What holds for every conversation."""

        constraints = (
            models.CheckConstraint(condition=Q(kind__in=list(Kind)), name="conversation_kind"),
            models.CheckConstraint(condition=Q(history__in=list(History)), name="conversation_history"),
            models.CheckConstraint(
                condition=Q(kind=Kind.DIRECT, direct_key__isnull=False) | (~Q(kind=Kind.DIRECT) & Q(direct_key=None)),
                name="conversation_direct_has_key",
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.DIRECT) | Q(title=None, topic=""), name="conversation_direct_untitled"
            ),
            models.CheckConstraint(
                condition=~Q(kind=Kind.CHANNEL) | Q(title__isnull=False), name="conversation_channel_titled"
            ),
            models.CheckConstraint(
                condition=Q(last_seq__gte=0, member_count__gte=0, first_kept_seq__gte=1),
                name="conversation_counts_not_negative",
            ),
        )
        indexes = (
            models.Index(
                fields=["title", "id"], name="conversation_channels", condition=Q(kind=Kind.CHANNEL, deleted_at=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Membership(models.Model):
    """A person in a conversation.

    Attributes:
        visible_from_seq: The first `seq` they may see, fixed when they (re)joined.
        read_seq: How far they have read.
    """

    pk = models.CompositePrimaryKey("conversation_id", "user_id")
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=6)
    joined_at = models.DateTimeField()
    visible_from_seq = models.BigIntegerField()
    read_seq = models.BigIntegerField()

    class Meta:
        """What holds for every membership."""

        constraints = (
            models.CheckConstraint(condition=Q(role__in=list(Role)), name="membership_role"),
            models.CheckConstraint(condition=Q(visible_from_seq__gte=1), name="membership_visible_from"),
            models.CheckConstraint(condition=Q(read_seq__gte=0), name="membership_read_seq"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}"


class Invite(models.Model):
    """A link with which anybody signed in may join, for a while and for so many uses."""

    code = models.CharField(max_length=32, primary_key=True)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="invites")
    creator = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(null=True)
    uses = models.PositiveIntegerField(default=0)

    class Meta:
        """Concurrent acceptances can't exceed the limit, whatever the code does."""

        constraints = (
            models.CheckConstraint(condition=Q(max_uses=None) | Q(uses__lte=F("max_uses")), name="invite_uses"),
        )

    def __str__(self) -> str:
        return f"invite to {self.conversation_id}"


class Event(models.Model):
    """One entry of a conversation's log.

    Attributes:
        message_id: The message it is about, if any: what a deletion redacts is found by it.
        data: JSON text of `data`, exactly as clients get it.

    Without database-level foreign keys: they would cost a look-up and a row lock for each of them on every post, and
    the conversation's row, which is never deleted, is locked by whoever appends.
    """

    pk = models.CompositePrimaryKey("conversation_id", "seq")
    conversation = models.ForeignKey(
        Conversation, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    at = models.DateTimeField()
    actor_id = models.UUIDField()
    request_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 (null on the wire too)
    message_id = models.UUIDField(null=True)
    data = models.TextField()

    class Meta:
        """The log begins at 1 and knows its kinds."""

        constraints = (
            models.CheckConstraint(condition=Q(seq__gte=1), name="event_seq_from_one"),
            models.CheckConstraint(condition=Q(kind__in=list(EventKind)), name="event_kind"),
        )
        indexes = (
            models.Index(
                fields=["conversation", "message_id", "seq"],
                name="event_of_message",
                condition=Q(message_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.seq} {self.kind}"
