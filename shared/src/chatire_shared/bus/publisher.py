"""Publishing from synchronous code (Django services, the relay) in the channel layer's own wire format.

`async_to_sync(layer.group_send)` would make an event loop, a pool and a TCP connection for each call
(channels_redis#125, #75; channels#859). A contract test holds that a stock Channels consumer receives what we publish.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chatire_shared.bus import wire
from chatire_shared.bus.breaker import Breaker
from chatire_shared.bus.groups import BELL_CHANNEL, PREFIX, TOLD_CHANNEL, group_channel
from chatire_shared.bus.kept import KeptConnections
from chatire_shared.bus.port import BusUnavailable

logger = logging.getLogger(__name__)

SOCKET_SECONDS = 0.25

_NOT_ABOUT_THE_MESSAGE = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.MasterDownError,
)
"""Refusals that every message would get now: the server's state or set-up, no fault of the message."""


def connect(redis_url: str, seconds: float = SOCKET_SECONDS) -> redis.Redis:
    """A pooled client that gives up after `seconds` (connecting, and each answer) and never tries twice by itself."""
    return redis.Redis.from_url(
        redis_url,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),  # redis-py's default of several tries multiplies the time-out.
        protocol=2,
    )


class LayerPublisher:
    """Publishes to groups over a pool of connections; safe to share between threads, and to inherit over a fork."""

    def __init__(
        self, redis_url: str, *, prefix: str = PREFIX, seconds: float = SOCKET_SECONDS, most_pause_seconds: float = 2.0
    ) -> None:
        """Prepare; no connection is opened before the first publish.

        Args:
            redis_url: `redis://[user:password@]host:port/0`.
            prefix: Prefix of the channel layer.
            seconds: Time-out of connecting and of each answer.
            most_pause_seconds: For how long at most it fails at once after failures, before it tries again.
        """
        self._redis = connect(redis_url, seconds)
        self._kept = KeptConnections(self._redis)
        self._prefix = prefix
        self._breaker = Breaker(most_seconds=most_pause_seconds, probe_seconds=seconds)

    @property
    def healthy(self) -> bool:
        """Whether the last attempt reached Redis (or none was made yet)."""
        return self._breaker.closed

    def publish_many(self, items: Sequence[tuple[str, Mapping[str, Any] | bytes]]) -> list[str | None]:
        """Publish messages to groups, in order, in one round trip.

        Args:
            items: Group and message each; bytes are taken for a message that `wire.encode` has made.

        Returns: for each item None, or why Redis refuses just this one.
        Raises: BusUnavailable when Redis is away or hangs, within twice the time-out and at once after failures. Any
            part of the items may have been published then.
        """
        if not items:
            return []
        packed = [(group_channel(group, self._prefix), _packed(message)) for group, message in items]
        if not self._breaker.allows():
            raise BusUnavailable("Redis did not answer lately.")
        try:
            refusals = self._publish(packed)
        except redis.RedisError as error:
            self._breaker.failed()
            raise BusUnavailable(str(error)) from error
        self._breaker.succeeded()
        return refusals

    def ring(self) -> None:
        """Wake the relay. Never raises: the relay finds in its sweep what a lost ring was about."""
        self._say([("PUBLISH", BELL_CHANNEL, b"")])

    def announce(self, items: Sequence[tuple[int, str, bytes]]) -> None:
        """Publish rows of the outbox that were just committed, and tell the relays which, so that they need not.

        Args:
            items: Id, group and message of each.

        Never raises: what a relay isn't told of, it publishes.
        """
        published = [("PUBLISH", group_channel(group, self._prefix), message) for _, group, message in items]
        told = ("PUBLISH", TOLD_CHANNEL, wire.encode_ids([id_ for id_, _, _ in items]))
        self._say([*published, told])

    def close(self) -> None:
        """Close the pool's connections."""
        self._kept.close()
        self._redis.close()

    def _say(self, commands: Sequence[tuple[str | bytes, ...]]) -> None:
        if not self._breaker.allows():
            return
        try:
            answers = self._kept.say(commands)
        except Exception as error:  # noqa: BLE001 (the caller's work is committed; nothing here may fail it)
            self._breaker.failed()
            logger.info("Redis can't be told what was committed.", extra={"reason": str(error)})
            return
        self._breaker.succeeded()
        for answer in answers:
            if isinstance(answer, Exception):
                # The relay says how far the log has come; whoever misses this then fetches it.
                logger.error("Redis refused a message.", extra={"reason": str(answer)})

    def _publish(self, packed: Sequence[tuple[str, bytes]]) -> list[str | None]:
        try:
            return self._pipeline(packed)
        except redis.exceptions.TimeoutError:
            raise
        except redis.exceptions.ConnectionError:
            # Redis may have closed on us because of one message (proto-max-bulk-len): find out which, if it is alive.
            self._redis.ping()
            return [self._publish_one(channel, data) for channel, data in packed]

    def _pipeline(self, packed: Sequence[tuple[str, bytes]]) -> list[str | None]:
        return [_refusal(answer) for answer in self._kept.run([("PUBLISH", *item) for item in packed])]

    def _publish_one(self, channel: str, data: bytes) -> str | None:
        try:
            return self._pipeline([(channel, data)])[0]
        except redis.exceptions.TimeoutError:
            raise
        except redis.exceptions.ConnectionError as error:
            self._redis.ping()
            return f"Redis closes the connection on it: {error}"


def _packed(message: Mapping[str, Any] | bytes) -> bytes:
    return message if isinstance(message, bytes) else wire.encode(message)


def _refusal(answer: object) -> str | None:
    if isinstance(answer, _NOT_ABOUT_THE_MESSAGE):
        raise answer
    return str(answer) if isinstance(answer, Exception) else None


@cache
def publisher_for(redis_url: str) -> LayerPublisher:
    """The one publisher of this process for a Redis; its pool of connections is shared by all threads."""
    return LayerPublisher(redis_url)
