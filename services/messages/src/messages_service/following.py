"""Following auth's changes in a worker process: revocations in memory, people in the database.

Two threads, so that neither waits for the other's part: a database that is away must not delay a revocation (G7), and
auth being away must not stop requests.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.db import close_old_connections, connection

from chatire_shared.contracts.errors import Unavailable
from chatire_shared.identity.changes import POLL_SECONDS, Change, ChangeFeed
from messages_service.identity import REVOCATIONS, auth_client, keys, verifier
from messages_service.people.services.changes import catch_up

logger = logging.getLogger("chatire.messages")

PAGE = 500


def read_changes(after: int | None) -> dict[str, Any]:
    """A page of auth's feed; the last 15 minutes for None."""
    return auth_client().get("/internal/changes/", {} if after is None else {"after": after, "limit": PAGE})


class PeopleFollower:
    """Keeps the people's table up with the feed, from the stored cursor on, whenever it is told that there is news."""

    def __init__(self) -> None:
        self._news = threading.Event()
        self._stop = threading.Event()
        self._news.set()
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)

    def start(self) -> None:
        """Begin with whatever was missed while no process was running."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, waiting at most 3 s."""
        self._stop.set()
        self._news.set()
        self._thread.join(3)

    def notice(self) -> None:
        """There is something new in the feed."""
        self._news.set()

    def _run(self) -> None:
        while self._news.wait() and not self._stop.is_set():
            self._news.clear()
            if not self._catch_up():
                self._stop.wait(POLL_SECONDS)
                self._news.set()
        connection.close()

    def _catch_up(self) -> bool:
        close_old_connections()
        try:
            catch_up(read_page=read_changes)
        except Exception as error:  # noqa: BLE001 (whatever it is: the thread must live to try again)
            logger.warning("people are behind auth's feed; trying again", extra={"error": type(error).__name__})
            return False
        return True


class _Following:
    """What one process runs; nothing until started."""

    def __init__(self) -> None:
        self.feed: ChangeFeed | None = None
        self.people: PeopleFollower | None = None


_following = _Following()


def start_following() -> None:
    """Start both threads of this process; a second call does nothing."""
    if _following.feed is not None:
        return
    people = PeopleFollower()
    feed = ChangeFeed(read_changes, on_change=lambda change: _on_change(change, people), revocations=REVOCATIONS)
    _following.people, _following.feed = people, feed
    feed.start()
    people.start()


def stop_following() -> None:
    """Stop both threads, if they run."""
    feed, people = _following.feed, _following.people
    _following.feed = _following.people = None
    if feed is not None:
        feed.stop()
    if people is not None:
        people.stop()


def require_caught_up() -> None:
    """Pass when revocations of the last 15 minutes are known to this process, or when it follows nothing.

    Raises:
        Unavailable: the feed was never read since the process started.
    """
    if _following.feed is not None and not _following.feed.caught_up_once:
        raise Unavailable(retry_after_seconds=POLL_SECONDS)


def _on_change(change: Change, people: PeopleFollower) -> None:
    if change["kind"].startswith("user."):
        people.notice()
    elif change["kind"] == "keys.rotated":
        keys().forget_age()
        verifier().forget()
