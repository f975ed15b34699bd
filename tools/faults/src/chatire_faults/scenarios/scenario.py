"""What a scenario is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario runs with.

    Attributes:
        folder: Empty; for the stack's data. It goes away afterwards.
        seed: Of everything random.
        scale: Every count (sockets, tries) is multiplied by it: 1 is what the bars are about, less fits small machines.
        tell: Takes a line of progress for the user.
    """

    folder: Path
    seed: int
    scale: float
    tell: Callable[[str], None]

    def count(self, full: int, *, least: int = 1) -> int:
        """A count at this scale."""
        return max(least, round(full * self.scale))


@dataclass(slots=True)
class Report:
    """What came out.

    Attributes:
        figures: By name, with the unit in the name (`ack_p99_ms`); what `--json` writes.
        wrong: A sentence for each promise that was broken or bar that was missed; empty: a pass.
    """

    scenario: str
    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def require(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 (the condition reads as one)
        """Hold a bar."""
        if not holds:
            self.wrong.append(otherwise)

    def table(self) -> str:
        """For people."""
        width = max((len(name) for name in self.figures), default=0)
        lines = [f"  {name:<{width}}  {value}" for name, value in self.figures.items()]
        verdict = [f"  WRONG: {sentence}" for sentence in self.wrong] or ["  every promise was kept"]
        return "\n".join([self.scenario, *lines, *verdict])
