"""Following auth's change feed: what revokes sessions everywhere within 2 s, with Redis or without (G7)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.identity.principal import Principal

logger = logging.getLogger("chatire.identity")

POLL_SECONDS = 1.0
REMEMBER_SECONDS = 900
"""How long an ended session is remembered: longer than any access token lives (600 s) and its leeway."""

Change = dict[str, Any]
Fetch = Callable[[int | None], dict[str, Any]]
"""Gets a page of the feed: the changes after an id, or the last 15 minutes for None."""


class Revocations:
    """The sessions and accounts that were ended lately; memory bounded by what 15 minutes can hold."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[UUID, float] = {}
        self._users: dict[UUID, float] = {}

    def covers(self, principal: Principal) -> bool:
        """Whether the principal's session or account was ended."""
        return principal.session_id in self._sessions or principal.user_id in self._users

    def apply(self, change: Change) -> None:
        """Fold one change in; kinds that end nothing are passed over."""
        kind, data = change["kind"], change["data"]
        forget_at = self._clock() + REMEMBER_SECONDS
        if kind == "session.revoked":
            self._sessions[UUID(data["session_id"])] = forget_at
        elif kind == "user.disabled":
            self._users[UUID(data["user_id"])] = forget_at
        elif kind == "user.enabled":
            self._users.pop(UUID(data["user_id"]), None)

    def sweep(self) -> None:
        """Forget what no unexpired token can refer to any more."""
        now = self._clock()
        for ended in (self._sessions, self._users):
            for key in [key for key, forget_at in ended.items() if forget_at <= now]:
                del ended[key]


class ChangeFeed:
    """A thread that reads the feed each second and hands every change on, in order, once."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        on_change: Callable[[Change], None] = lambda _: None,
        revocations: Revocations | None = None,
    ) -> None:
        """Prepare; `start` begins reading.

        Args:
            fetch: Gets a page of the feed; may raise anything, which is logged and tried again.
            on_change: Called in the feed's thread with each change, after `revocations` knows it.
            revocations: Where ended sessions are remembered.
        """
        self._fetch = fetch
        self._on_change = on_change
        self.revocations = revocations or Revocations()
        self._cursor: int | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def caught_up_once(self) -> bool:
        """Whether the feed was read at least once, so that revocations are known."""
        return self._cursor is not None

    def start(self) -> None:
        """Begin reading in a daemon thread."""
        self._thread = threading.Thread(target=self._run, name="auth-changes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, waiting at most 3 s."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(3)

    def poke(self) -> None:
        """Read now: somebody hinted at news."""
        self._wake.set()

    def poll_once(self) -> int:
        """Read what is new and hand it on; returns how many changes there were."""
        page = self._fetch(self._cursor)
        changes: list[Change] = page["changes"]
        for change in changes:
            self.revocations.apply(change)
            self._on_change(change)
            self._cursor = change["id"]
        if not changes and self._cursor is None:
            self._cursor = page["latest"]
        return len(changes)

    def _run(self) -> None:
        failing = False
        while not self._stopping:
            self._wake.clear()
            try:
                while self.poll_once():
                    pass
                failing = False
            except Exception as error:  # noqa: BLE001 (whatever it is: go on with what is known, try again)
                if not failing:
                    name = error.code if isinstance(error, ChatireError) else type(error).__name__
                    logger.warning("auth's change feed can't be read; retrying each second", extra={"error": name})
                failing = True
            self.revocations.sweep()
            self._wake.wait(POLL_SECONDS)
