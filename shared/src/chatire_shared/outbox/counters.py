"""What the relay counts."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """Written by the relay's own thread; readers may see them a moment apart.

    Attributes:
        published: Rows removed, since they are published.
        told: Of these, how many whoever wrote them had published already.
        parked: Rows given up on after three tries: a person should look.
        retries: Rows whose publishing has to be tried again, for whatever reason.
        rounds: Rounds that were carried through.
        redis_errors: Rounds that failed for want of Redis.
        database_errors: Rounds that failed for want of PostgreSQL.
        lag_seconds: Age of the oldest pending row, looked at every few seconds.
    """

    published: int = 0
    told: int = 0
    parked: int = 0
    retries: int = 0
    rounds: int = 0
    redis_errors: int = 0
    database_errors: int = 0
    lag_seconds: float = 0.0

    def as_prometheus(self) -> str:
        """Prometheus' text format, version 0.0.4."""
        lines = []
        for field in fields(self):
            gauge = field.name == "lag_seconds"
            name = f"chatire_relay_{field.name}" if gauge else f"chatire_relay_{field.name}_total"
            lines += [f"# TYPE {name} {'gauge' if gauge else 'counter'}", f"{name} {getattr(self, field.name)}"]
        return "\n".join(lines) + "\n"
