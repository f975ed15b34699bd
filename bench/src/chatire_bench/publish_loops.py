"""When to publish: as much as is taken (saturating), or at a rate (pacing)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from chatire_bench.loadgen import Loadgen
from chatire_bench.publishing import Message, Publisher

MOST_AT_ONCE = 64
_LOOK_SECONDS = 0.0002


def now_us() -> int:
    """The load generator's clock."""
    return time.monotonic_ns() // 1000


@dataclass
class Published:
    """What was published so far, in turn to each of so many rooms.

    Attributes:
        count: Messages so far.
        lost: Deliveries that will never come: of the first messages, before everybody was subscribed.
    """

    publisher: Publisher
    rooms: int
    members: int
    count: int = 0
    lost: int = 0

    @property
    def expected(self) -> int:
        """Deliveries that there will be of everything published so far."""
        return self.count * self.members - self.lost

    def publish(self, due: list[int]) -> None:
        """Messages that were due at these times."""
        first = self.count
        self.publisher.publish(
            [Message((first + index) % self.rooms, first + index, at_us) for index, at_us in enumerate(due)]
        )
        self.count += len(due)


def saturate(published: Published, load: Loadgen, window: int, seconds: float) -> None:
    """Keep about `window` messages on their way, so that the server always has work, for so long."""
    end = time.monotonic() + seconds
    least = max(1, min(window // 4, MOST_AT_ONCE))
    while time.monotonic() < end:
        room = window - (published.expected - load.progress().deliveries) // published.members
        if room < least:
            time.sleep(_LOOK_SECONDS)
            continue
        now = now_us()
        published.publish([now] * min(room, MOST_AT_ONCE))


def pace(published: Published, rate: float, seconds: float) -> None:
    """Publish at a rate, each message as near to its time as can be; being late counts as latency."""
    began, sent = now_us(), 0
    while sent < rate * seconds:
        due: list[int] = []
        while began + int(sent * 1e6 / rate) <= now_us() and len(due) < MOST_AT_ONCE:
            due.append(began + int(sent * 1e6 / rate))
            sent += 1
        if due:
            published.publish(due)
        time.sleep(max(0.0, (began + sent * 1e6 / rate - now_us()) / 1e6))
