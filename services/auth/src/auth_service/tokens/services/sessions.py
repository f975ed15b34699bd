"""Opening and ending sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from auth_service.accounts.models import User
from auth_service.accounts.services.feed import Entry, record_changes, session_revoked
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.rules import refresh_tokens
from chatire_shared.contracts.errors import InvalidCredentials, NotFound
from chatire_shared.contracts.ids import uuid7
from chatire_shared.crash_points import hit

SEEN_EVERY = timedelta(minutes=1)
"""`seen_at` is not written more often: a busy client would otherwise make a row version per request."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A session with the refresh token that continues it; the token exists nowhere else."""

    session: RefreshSession
    user: User
    refresh: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session was opened.

    Attributes:
        device: What the client calls itself, shortened.
        address: The client's IP address.
    """

    device: str
    address: str


def open_session(*, user: User, origin: Origin, now: datetime) -> Grant:
    """Open a session for somebody whose credentials were just checked.

    Raises: InvalidCredentials: since that check the account was disabled or its password changed.
    Guarantees: no session outlives a disabling or a password change that it raced with. Locks: the user's row.
    """
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).filter(id=user.id).first()
        if current is None or not current.is_active or current.password != user.password:
            raise InvalidCredentials
        return open_sessions(users=[current], origin=origin, now=now)[0]


def open_sessions(*, users: Sequence[User], origin: Origin, now: datetime) -> list[Grant]:
    """Open one session for each of `users`, whose rows the caller has locked or just made."""
    keys = refresh_tokens.derive_keys(settings.SECRET_KEY)
    grants = []
    for user in users:
        session_id = uuid7()
        token = refresh_tokens.first_token(session_id, keys)
        session = RefreshSession(
            id=session_id,
            user=user,
            device=origin.device,
            address=origin.address,
            created_at=now,
            seen_at=now,
            token_hash=token.stored_hash,
        )
        grants.append(Grant(session, user, token.text))
    RefreshSession.objects.bulk_create([grant.session for grant in grants], batch_size=1_000)
    return grants


def revoke_session(*, session_id: UUID, user_id: UUID, now: datetime) -> None:
    """End one of somebody's own sessions; ended already is fine.

    Raises: NotFound: they have no such session.
    """
    with transaction.atomic():
        if not RefreshSession.objects.filter(id=session_id, user_id=user_id).exists():
            raise NotFound
        end_sessions(RefreshSession.objects.filter(id=session_id, user_id=user_id), now=now)
    hit("auth.after_revocation")


def revoke_other_sessions(*, user_id: UUID, keep_id: UUID, now: datetime) -> None:
    """End all of somebody's sessions but one."""
    with transaction.atomic():
        end_sessions(RefreshSession.objects.filter(user_id=user_id).exclude(id=keep_id), now=now)


def end_sessions(sessions: QuerySet[RefreshSession], *, now: datetime, before: Sequence[Entry] = ()) -> range:
    """End the live ones among `sessions` within the current transaction, and write it to the feed.

    Args:
        sessions: Any sessions.
        now: Time of the end.
        before: Entries that belong in front of theirs.
    Returns: the ids of all those entries.
    """
    live = list(sessions.filter(revoked_at=None).select_for_update().order_by("id").values_list("id", "user_id"))
    RefreshSession.objects.filter(id__in=[session_id for session_id, _ in live]).update(revoked_at=now)
    ended = [session_revoked(user_id, session_id) for session_id, user_id in live]
    return record_changes([*before, *ended], now=now)


def mark_seen(*, session_id: UUID, seen_at: datetime, now: datetime) -> None:
    """Note that the session is in use, at most once a minute."""
    if now - seen_at > SEEN_EVERY:
        RefreshSession.objects.filter(id=session_id, seen_at__lt=now).update(seen_at=now)
