"""Following auth's change feed."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

from chatire_shared.identity.changes import REMEMBER_SECONDS, ChangeFeed, Revocations
from chatire_shared.identity.principal import Principal


def _principal(user: UUID, session: UUID) -> Principal:
    return Principal(user, session, "ada", "Ada", "member", int(time.time()) + 600)


def _revoked(number: int, session: UUID) -> dict[str, Any]:
    return {
        "id": number,
        "kind": "session.revoked",
        "at": "",
        "data": {"user_id": str(uuid4()), "session_id": str(session)},
    }


class Feed:
    """A feed in memory, by the contract of docs/internal.md."""

    def __init__(self) -> None:
        self.changes: list[dict[str, Any]] = []
        self.broken = False

    def fetch(self, after: int | None) -> dict[str, Any]:
        """A page of at most two changes."""
        if self.broken:
            raise ConnectionError
        page = [change for change in self.changes if change["id"] > (after or 0)][:2]
        return {"changes": page, "latest": len(self.changes)}


def test_every_change_is_handed_on_once_and_in_order() -> None:
    """Page after page, without a repeat."""
    feed, seen = Feed(), []
    feed.changes = [_revoked(number, uuid4()) for number in range(1, 8)]
    reader = ChangeFeed(feed.fetch, on_change=lambda change: seen.append(change["id"]))
    while reader.poll_once():
        pass
    feed.changes.append(_revoked(8, uuid4()))
    reader.poll_once()
    assert seen == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_revoked_session_is_covered_until_no_token_of_it_can_live() -> None:
    """Forgotten after 15 minutes, so memory stays bounded."""
    now = [0.0]
    revocations = Revocations(clock=lambda: now[0])
    session = uuid4()
    revocations.apply(_revoked(1, session))
    assert revocations.covers(_principal(uuid4(), session))
    assert not revocations.covers(_principal(uuid4(), uuid4()))
    now[0] = REMEMBER_SECONDS + 1
    revocations.sweep()
    assert not revocations.covers(_principal(uuid4(), session))


def test_a_disabled_account_is_covered_until_it_is_enabled() -> None:
    """All of its sessions at once."""
    revocations, user = Revocations(), uuid4()
    revocations.apply({"id": 1, "kind": "user.disabled", "data": {"user_id": str(user)}})
    assert revocations.covers(_principal(user, uuid4()))
    revocations.apply({"id": 2, "kind": "user.enabled", "data": {"user_id": str(user)}})
    assert not revocations.covers(_principal(user, uuid4()))


def test_the_thread_goes_on_after_the_feed_was_away() -> None:
    """A broken feed delays, it never ends the reader."""
    feed = Feed()
    feed.broken = True
    reader = ChangeFeed(feed.fetch)
    reader.start()
    session = uuid4()
    feed.changes = [_revoked(1, session)]
    feed.broken = False
    reader.poke()
    deadline = time.monotonic() + 10
    while not reader.revocations.covers(_principal(uuid4(), session)):
        assert time.monotonic() < deadline, "the revocation never arrived"
        time.sleep(0.01)
    reader.stop()
