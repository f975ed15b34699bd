"""All sockets of one process: who is here, how many of whom, and who may still come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from gateway_service.realtime.connection import Connection
from gateway_service.realtime.metrics import Shed
from gateway_service.realtime.sharing import Sharing

MAX_PER_USER = 20
MAX_PER_ADDRESS = 500
HANDSHAKES_PER_SECOND = 200.0
HANDSHAKE_BURST = 1_000.0
"""Above this rate a storm of reconnects is told to come later, so that those already here notice nothing."""

MIN_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS = 2, 20
MAX_ARRIVING_BREATHLESS = 256
"""So many may be on their way in while the process is behind; never none, or it could be kept from it by refusing alone."""


class Crowd:
    """The sockets, by id, user, session and address.

    Attributes:
        is_breathless: Whether the process is behind with what it has to do: then those who have come are let in before others.
    """

    def __init__(self, *, limits: bool, now: float) -> None:
        self._limits = limits
        self._by_id: dict[str, Connection] = {}
        self._by_user: Sharing[UUID, Connection] = Sharing()
        self._by_session: Sharing[UUID, Connection] = Sharing()
        self._addresses: Counter[str] = Counter()
        self._tokens = HANDSHAKE_BURST
        self._refilled_at = now
        self.is_breathless = False
        self._promised_until = now
        self._arriving: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_id.values()))

    def no_room(self, now: float) -> Shed | None:
        """Why no handshake may begin at this moment; None when one may, and begins."""
        self._tokens = min(HANDSHAKE_BURST, self._tokens + (now - self._refilled_at) * HANDSHAKES_PER_SECOND)
        self._refilled_at = now
        if self._limits and self._tokens < 1:
            return Shed.HANDSHAKE_RATE
        if self._limits and self.is_breathless and len(self._arriving) >= MAX_ARRIVING_BREATHLESS:
            return Shed.HANDSHAKE_BEHIND
        self._tokens -= 1
        return None

    def retry_after_seconds(self, now: float) -> int:
        """When one who was refused should come again: each its own moment, so that few are refused twice."""
        self._promised_until = max(self._promised_until, now) + 1 / HANDSHAKES_PER_SECOND
        wait = MIN_RETRY_AFTER_SECONDS + int(self._promised_until - now)
        return min(wait, MAX_RETRY_AFTER_SECONDS)

    def enter(self, connection: Connection) -> bool:
        """Count a socket that was accepted; False when its address has too many."""
        self._by_id[connection.id] = connection
        self._arriving.add(connection)
        self._addresses[connection.address] += 1
        return not self._limits or not connection.address or self._addresses[connection.address] <= MAX_PER_ADDRESS

    def settled(self, connection: Connection) -> None:
        """A socket is let in, or was refused."""
        self._arriving.discard(connection)

    def identify(self, connection: Connection) -> bool:
        """Count a socket under its principal; False when that user has too many."""
        principal = connection.session.principal
        assert principal is not None  # noqa: S101 (it was admitted)
        of_user = self._by_user.add(principal.user_id, connection)
        self._by_session.add(principal.session_id, connection)
        return not self._limits or of_user <= MAX_PER_USER

    def leave(self, connection: Connection) -> None:
        """Forget a socket."""
        self.settled(connection)
        if self._by_id.pop(connection.id, None) is None:
            return
        self._addresses[connection.address] -= 1
        if not self._addresses[connection.address]:
            del self._addresses[connection.address]
        session = connection.session
        if session.principal is not None:
            self._by_user.discard(session.principal.user_id, connection)
        for session_id in session.session_ids:
            self._by_session.discard(session_id, connection)

    def get(self, id: str) -> Connection | None:  # noqa: A002 (the field's name)
        """The socket with this id."""
        return self._by_id.get(id)

    def of_user(self, user_id: UUID) -> list[Connection]:
        """All sockets of a user."""
        return self._by_user.of(user_id)

    def of_session(self, session_id: UUID) -> list[Connection]:
        """All sockets that were opened with tokens of a session."""
        return self._by_session.of(session_id)
