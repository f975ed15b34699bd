"""Which channels are wanted, asked for and confirmed on one subscriber connection. Pure: it sends nothing itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

MAX_CHANNELS_PER_COMMAND = 512
"""Redis works through a command without a break; Centrifugo batches its SUBSCRIBEs by the same number."""


class SubscriptionTable:
    """Follows each channel from wanted to confirmed, over re-connections.

    Redis answers SUBSCRIBE and UNSUBSCRIBE in the order they were sent, one answer per channel. A channel is confirmed
    when nothing of it is unanswered and the latest thing sent was SUBSCRIBE. No set of those is kept: of ten thousand
    people's channels it would be a megabyte, names that came back from Redis included.
    """

    def __init__(self) -> None:
        self._wanted: set[bytes] = set()
        self._asked: set[bytes] = set()  # The latest command sent on this connection was SUBSCRIBE.
        self._unanswered: Counter[bytes] = Counter()
        self._changed: dict[bytes, None] = {}  # Ordered: subscribed in the order in which they were wanted.

    @property
    def unconfirmed(self) -> set[bytes]:
        """What is wanted and not confirmed yet."""
        return {channel for channel in self._wanted if not self.is_confirmed(channel)}

    def want(self, channel: bytes) -> None:
        """From now on it should be subscribed."""
        self._wanted.add(channel)
        self._changed[channel] = None

    def drop(self, channel: bytes) -> None:
        """From now on it should not."""
        self._wanted.discard(channel)
        self._changed[channel] = None

    def is_confirmed(self, channel: bytes) -> bool:
        """Whether everything published to it reaches us."""
        return channel in self._wanted and channel in self._asked and channel not in self._unanswered

    def take_commands(self) -> Iterator[tuple[str | bytes, ...]]:
        """The commands that bring Redis to what is wanted; they count as sent."""
        changed, self._changed = self._changed, {}
        subscribe = [channel for channel in changed if channel in self._wanted and channel not in self._asked]
        unsubscribe = [channel for channel in changed if channel not in self._wanted and channel in self._asked]
        self._asked.update(subscribe)
        self._asked.difference_update(unsubscribe)
        self._unanswered.update(subscribe)
        self._unanswered.update(unsubscribe)
        yield from _commands("UNSUBSCRIBE", unsubscribe)
        yield from _commands("SUBSCRIBE", subscribe)

    def answered(self, channel: bytes) -> bool:
        """Note one answer of Redis for a channel; tells whether that confirmed it."""
        self._unanswered[channel] -= 1
        if self._unanswered[channel] > 0:
            return False
        del self._unanswered[channel]
        return channel in self._asked and channel in self._wanted

    def connection_lost(self) -> None:
        """Nothing is subscribed any more; everything wanted has to be asked for anew."""
        self._asked.clear()
        self._unanswered.clear()
        self._changed = dict.fromkeys(sorted(self._wanted))


def _commands(verb: str, channels: list[bytes]) -> Iterator[tuple[str | bytes, ...]]:
    for start in range(0, len(channels), MAX_CHANNELS_PER_COMMAND):
        yield (verb, *channels[start : start + MAX_CHANNELS_PER_COMMAND])
