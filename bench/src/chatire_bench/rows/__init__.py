"""The rows of the bench, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from chatire_bench.bench import Bench
from chatire_bench.figures import Row
from chatire_bench.rows import connections, durable, fairness, fanout, growth, latency, limit, post, rooms, storm

ROWS: dict[str, Callable[[Bench], Row]] = {
    "limit": limit.run,
    "fanout": fanout.run,
    "rooms": rooms.run,
    "latency": latency.run,
    "fairness": fairness.run,
    "durable": durable.run,
    "connections": connections.run,
    "post": post.run,
    "growth": growth.run,
    "storm": storm.run,
}
