"""The page at `/metrics`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict

from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.metrics import Shed, counters, gauges, labelled


def metrics_text(gateway: Gateway) -> str:
    """All figures of one process in Prometheus's text format."""
    now = time.monotonic()
    state = {
        "connections": len(gateway.crowd),
        "conversations": gateway.hub.followed(),
        "people": len(gateway.hub.people()),
        "events_waiting": gateway.hearing.waiting,
        "uplink_pending": gateway.uplink.pending,
        "uplink_chars": gateway.uplink.pending_chars,
        "outgoing_bytes": gateway.backlog.counted,
        "outgoing_bytes_largest": max((each.held_bytes for each in gateway.crowd), default=0),
        "kept_bytes": gateway.hub.kept_bytes,
        "unread_bytes": gateway.unread.bytes,
        "deaf": int(gateway.watch.is_deaf(now)),
        "tick_age_seconds": round(now - gateway.hearing.ticked_at, 3),
        "draining": int(gateway.draining),
        "drain_seconds": round(gateway.metrics.drain_seconds(now), 3),
    }
    lines = gauges(state) + counters(asdict(gateway.hub.counters))
    lines += labelled("chatire_gateway_resumes_total", "outcome", gateway.hub.resumes)
    shed = Counter({**gateway.metrics.shed, Shed.TYPING_STALLED: gateway.backlog.went_without})
    lines += labelled("chatire_gateway_shed_total", "class", shed)
    return "\n".join([*lines, *gateway.metrics.lines()]) + "\n"
