"""Refresh tokens: how they look, how each yields its only successor, and what a token that comes back is worth.

A token is `crt1_` and the base64url of: session id (16 bytes), generation (4), secret (32), tag (16).

- The first secret is random; every further one is an HMAC of the token before, so the answer to a repeated refresh can be
  computed again although only hashes are stored. Without the server's key nobody derives a successor.
- The tag proves that the server made the token. So any older generation of a session, though nothing about it is stored, is
  known as spent, while a forged token can never end somebody's session (security.md R14 to R17).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

ABSOLUTE_LIFE = timedelta(days=30)
IDLE_LIFE = timedelta(days=7)
GRACE = timedelta(seconds=10)

_PREFIX = "crt1_"
_SECRET_BYTES, _TAG_BYTES = 32, 16
_SIGNED_BYTES = 16 + 4 + _SECRET_BYTES
_TEXT_CHARS = len(_PREFIX) + (_SIGNED_BYTES + _TAG_BYTES) * 4 // 3 + 1


@dataclass(frozen=True, slots=True)
class Keys:
    """What the server alone knows."""

    tag: bytes
    successor: bytes


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token that the server made: just now, or proven by its tag."""

    session_id: UUID
    generation: int
    secret: bytes
    text: str

    @property
    def stored_hash(self) -> bytes:
        """What the database keeps of it: SHA-256."""
        return hashlib.sha256(self.text.encode("ascii")).digest()


class Verdict(Enum):
    """What becomes of a genuine token that could not claim the rotation."""

    REPEAT = "the token just spent, within its grace: the same successor again"
    REUSED = "spent before: the session ends"
    REVOKED = "the session was ended"
    EXPIRED = "the session is too old, or was idle for too long"
    UNKNOWN = "no such session, or not its token"


@dataclass(frozen=True, slots=True)
class SessionState:
    """What the verdict needs to know of a session.

    Attributes:
        generation: Of the newest token.
        token_hash: Of the newest token.
        created_at: When the session was opened.
        seen_at: When it was last in use.
        rotated_at: When the newest token replaced the one before, if any did.
        revoked: Whether the session was ended.
    """

    generation: int
    token_hash: bytes
    created_at: datetime
    seen_at: datetime
    rotated_at: datetime | None
    revoked: bool


def derive_keys(secret_key: str) -> Keys:
    """The two keys, from the service's secret key (so they change with it)."""
    return Keys(
        tag=_hmac(secret_key.encode(), b"chatire.refresh.tag.v1"),
        successor=_hmac(secret_key.encode(), b"chatire.refresh.successor.v1"),
    )


def first_token(session_id: UUID, keys: Keys) -> RefreshToken:
    """A new session's token."""
    return _make(session_id, 0, os.urandom(_SECRET_BYTES), keys)


def successor_of(token: RefreshToken, keys: Keys) -> RefreshToken:
    """The one token that may follow `token`."""
    secret = _hmac(keys.successor, token.text.encode("ascii"))
    return _make(token.session_id, token.generation + 1, secret, keys)


def parse(text: str, keys: Keys) -> RefreshToken | None:
    """The token in `text`, or None unless the server made it, in exactly this spelling."""
    if len(text) != _TEXT_CHARS or not text.isascii() or not text.startswith(_PREFIX):
        return None
    try:
        data = base64.b64decode(text.removeprefix(_PREFIX) + "=", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    signed = data[:_SIGNED_BYTES]
    token = _make(UUID(bytes=signed[:16]), int.from_bytes(signed[16:20], "big"), signed[20:], keys)
    return token if hmac.compare_digest(token.text, text) else None


def judge(token: RefreshToken, successor: RefreshToken, state: SessionState | None, *, now: datetime) -> Verdict:
    """What becomes of a genuine token that is not the live, current one of its session.

    Args:
        token: What the client sent.
        successor: What would follow it.
        state: The session now, None when there is none.
        now: Time of the request.
    """
    if state is None:
        return Verdict.UNKNOWN
    if token.generation < state.generation and not _may_repeat(token, successor, state, now):
        return Verdict.REUSED
    if token.generation > state.generation:
        return Verdict.UNKNOWN
    if state.revoked:
        return Verdict.REVOKED
    if is_over(state.created_at, state.seen_at, now=now):
        return Verdict.EXPIRED
    return Verdict.REPEAT if token.generation < state.generation else Verdict.UNKNOWN


def is_over(created_at: datetime, seen_at: datetime, *, now: datetime) -> bool:
    """Whether a session has reached the end of its 30 days, or was idle for 7."""
    return now - created_at >= ABSOLUTE_LIFE or now - seen_at >= IDLE_LIFE


def _may_repeat(token: RefreshToken, successor: RefreshToken, state: SessionState, now: datetime) -> bool:
    return (
        token.generation == state.generation - 1
        and state.rotated_at is not None
        and now - state.rotated_at <= GRACE
        and hmac.compare_digest(successor.stored_hash, state.token_hash)
    )


def _make(session_id: UUID, generation: int, secret: bytes, keys: Keys) -> RefreshToken:
    signed = session_id.bytes + generation.to_bytes(4, "big") + secret
    data = signed + _hmac(keys.tag, signed)[:_TAG_BYTES]
    text = _PREFIX + base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
    return RefreshToken(session_id, generation, secret, text)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")
