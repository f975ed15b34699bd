"""The ways in which somebody may have to stop reading, each done as a user or an operator would do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatire_client import Account
from chatire_faults.stack import Stack

PASSWORD = "correct horse battery staple"  # noqa: S105 (of people who live for minutes)
NEW_PASSWORD = "staple battery horse correct"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody whose one session has to end, or who has to leave a conversation.

    Attributes:
        account: The session whose socket is open.
        other: Another session of the same user, where the way needs one.
    """

    account: Account
    other: Account | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way out.

    Attributes:
        weight: How often it is taken among the others.
        do: Does it; returns when it has happened.
        needs_other: Whether it is done from another session of the same user.
        needs_password: Whether the user needs one.
        by_command: Whether it is a command, whose start takes longer than its deed: time counts from what it has written down.
        by_hashing: Whether passwords are hashed first, so that it happens late in the call: time counts from the answer.
    """

    weight: int
    do: Callable[[Stack, Subject], None]
    needs_other: bool = False
    needs_password: bool = False
    by_command: bool = False
    by_hashing: bool = False


def _log_out(stack: Stack, subject: Subject) -> None:
    subject.account.log_out()


def _revoke(stack: Stack, subject: Subject) -> None:
    session = subject.account.claims["sid"]
    _of(subject).call("DELETE", f"/api/auth/sessions/{session}/")


def _revoke_others(stack: Stack, subject: Subject) -> None:
    _of(subject).call("DELETE", "/api/auth/sessions/")


def _change_password(stack: Stack, subject: Subject) -> None:
    _of(subject).call("POST", "/api/auth/password/change/", {"old": PASSWORD, "new": NEW_PASSWORD})


def _disable(stack: Stack, subject: Subject) -> None:
    stack.manage("auth", "disable_user", subject.account.username)


def _of(subject: Subject) -> Account:
    assert subject.other is not None  # noqa: S101 (the way says that it needs one)
    return subject.other


CLOSING = {
    "logout": Way(3, _log_out),
    "session_revoked": Way(3, _revoke, needs_other=True),
    "other_sessions_revoked": Way(2, _revoke_others, needs_other=True),
    "password_changed": Way(2, _change_password, needs_other=True, needs_password=True, by_hashing=True),
    "account_disabled": Way(2, _disable, by_command=True),
}
"""What ends a session, and so closes its sockets."""

REMOVED = "member_removed"
REMOVED_WEIGHT = 8
