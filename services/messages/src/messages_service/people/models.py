"""The people that conversations refer to, and how far auth's change feed has been read."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Person(models.Model):
    """One account of auth. `change_id` is the newest change the row reflects: an older one changes nothing.

    `membership_version` goes up in every transaction that changes what the person belongs to; the gateway compares it,
    so that a lost `joined` or `left` is noticed.
    """

    id = models.UUIDField(primary_key=True)
    username = models.CharField(max_length=32)
    display_name = models.CharField(max_length=256)
    active = models.BooleanField(default=True)
    change_id = models.BigIntegerField(default=0)
    membership_version = models.BigIntegerField(default=0)

    class Meta:
        """Nothing here counts backwards."""

        constraints = (
            models.CheckConstraint(condition=Q(change_id__gte=0), name="person_change_id_not_negative"),
            models.CheckConstraint(condition=Q(membership_version__gte=0), name="person_version_not_negative"),
        )

    def __str__(self) -> str:
        return self.username


class FeedCursor(models.Model):
    """The id of the last change of auth's feed that this service has applied. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)

    class Meta:
        """At most one row."""

        constraints = (models.CheckConstraint(condition=Q(id=1), name="feed_cursor_single"),)

    def __str__(self) -> str:
        return f"change {self.position}"
