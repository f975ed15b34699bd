"""Accounts and the ordered feed of their changes."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models.functions import Lower

from chatire_shared.contracts.ids import uuid7


class Role(models.TextChoices):
    """Role in the workspace (not in a conversation)."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class User(AbstractBaseUser):
    """Somebody with an account.

    `username_key` and `email_key` are the forms by which names are compared (rules/names.py): unique, so that neither
    `Ada` beside `ada` nor two accounts with one address can exist, whatever the code above does.
    """

    last_login = None

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(max_length=32)
    username_key = models.CharField(max_length=32, unique=True)
    email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=254, unique=True)
    display_name = models.CharField(max_length=64)
    status_text = models.CharField(max_length=140, blank=True, default="")
    locale = models.CharField(max_length=35, default="en")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.MEMBER)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    change_id = models.BigIntegerField(default=0)
    """Id of the newest change (of the feed) that this row reflects."""

    USERNAME_FIELD = "username_key"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        """Names are never stored in two spellings of themselves."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(username_key=Lower("username")), name="accounts_user_username_key_is_lower"
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_user_role_is_known"),
            models.CheckConstraint(condition=~models.Q(display_name=""), name="accounts_user_display_name_not_empty"),
        ]


class Change(models.Model):
    """One entry of the feed that the other services read (docs/internal.md, "auth").

    Ids are 1, 2, 3, … without gaps and in commit order: they come from `ChangeCounter`, whose row stays locked until the
    transaction ends. A database sequence would have holes and commit out of order.
    """

    id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(max_length=32)
    at = models.DateTimeField(db_index=True)
    data = models.JSONField()


class ChangeCounter(models.Model):
    """One row: the newest id of the feed."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    latest = models.BigIntegerField()

    class Meta:
        """There is one feed."""

        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="accounts_one_change_counter")]
