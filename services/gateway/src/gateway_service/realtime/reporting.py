"""The page at `/metrics`."""

from __future__ import annotations

import time
from dataclasses import asdict

from gateway_service.realtime.gateway import Gateway


def metrics_text(gateway: Gateway) -> str:
    """All figures of one process in Prometheus's text format."""
    gauges = {
        "chatire_gateway_connections": len(gateway.crowd),
        "chatire_gateway_conversations": gateway.hub.followed(),
        "chatire_gateway_people": len(gateway.hub.people()),
        "chatire_gateway_uplink_pending": gateway.uplink.pending,
        "chatire_gateway_outgoing_bytes": gateway.backlog.counted,
        "chatire_gateway_kept_bytes": gateway.hub.kept_bytes,
        "chatire_gateway_unread_bytes": gateway.unread.bytes,
        "chatire_gateway_uplink_chars": gateway.uplink.pending_chars,
        "chatire_gateway_deaf": int(gateway.watch.is_deaf(time.monotonic())),
    }
    lines = [line for name, value in gauges.items() for line in (f"# TYPE {name} gauge", f"{name} {value}")]
    for field, value in asdict(gateway.hub.counters).items():
        name = f"chatire_gateway_{field}_total"
        lines += [f"# TYPE {name} counter", f"{name} {value}"]
    return "\n".join([*lines, *gateway.metrics.lines()]) + "\n"
