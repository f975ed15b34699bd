"""What others have published: ids of outbox rows that whoever wrote them has announced by himself, after the commit.

Only a relay that knows this may remove such a row without publishing it. One that has not heard publishes once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import redis

from chatire_shared.bus import wire
from chatire_shared.bus.groups import TOLD_CHANNEL
from chatire_shared.bus.publisher import connect

logger = logging.getLogger(__name__)

MOST_IDS = 100_000
"""A minute and more of a busy system. Ids of rows that another relay removes stay until they are pushed out."""


class Told:
    """Listens without a thread: what has come waits in the socket until it is collected, twice a second."""

    def __init__(self, redis_url: str, most_ids: int = MOST_IDS) -> None:
        """Prepare; the first `collect` subscribes."""
        self._pool = connect(redis_url).connection_pool
        self._connection: Any = None
        self._ids: dict[int, None] = {}
        self._most_ids = most_ids

    def __contains__(self, id_: int) -> bool:
        return id_ in self._ids

    def collect(self) -> None:
        """Take note of what has come. Never raises: what isn't heard is only published twice."""
        try:
            self._listen()
        except redis.RedisError as error:
            logger.info("What was announced can't be heard.", extra={"reason": str(error)})
            self.close()

    def forget(self, ids: Iterable[int]) -> None:
        """These are removed."""
        for id_ in ids:
            self._ids.pop(id_, None)

    def close(self) -> None:
        """Hear nothing more until the next `collect`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _listen(self) -> None:
        if self._connection is None:
            self._connection = self._pool.connection_class(**self._pool.connection_kwargs)
            self._connection.send_command("SUBSCRIBE", TOLD_CHANNEL)
        while self._connection.can_read(timeout=0):
            kind, _, data = self._connection.read_response()
            if kind == b"message":
                self._note(data)

    def _note(self, data: bytes) -> None:
        with suppress(wire.BadMessage):  # Anybody who can reach Redis can say anything there.
            self._ids.update(dict.fromkeys(wire.decode_ids(data)))
        while len(self._ids) > self._most_ids:
            del self._ids[next(iter(self._ids))]
