"""The rows of the bench, by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from chatire_bench.bench import Bench
from chatire_bench.figures import Row
from chatire_bench.rows import (
    ablation,
    connections,
    durable,
    fairness,
    fanout,
    gateways,
    growth,
    latency,
    limit,
    post,
    rooms,
    storm,
)

ROWS: dict[str, Callable[[Bench], Row]] = {
    "limit": limit.run,
    "fanout": fanout.run,
    "rooms": rooms.run,
    "latency": latency.run,
    "fairness": fairness.run,
    "ablation": ablation.run,
    "gateways": gateways.run,
    "durable": durable.run,
    "connections": connections.run,
    "post": post.run,
    "growth": growth.run,
    "storm": storm.run,
}

WITHOUT_STACK = {"limit"}
SLOW_TO_START = {"ablation", "gateways"}
"""They start our gateways again and again: a quick run of everything leaves them out, unless they are named."""
