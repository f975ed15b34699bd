"""What the supervisor has to know of a part, and nothing more."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..checkout import ROOT
from ..processes import StopPlan

# Says why a part is not ready yet; None when it is.
Probe = Callable[[], str | None]

# Longer than the grace the services give their own last requests.
BY_REQUEST: StopPlan = ((signal.SIGTERM, 25), (signal.SIGKILL, 5))


@dataclass(frozen=True)
class Part:
    """One long-running process of the stack.

    `tier` is its place when the stack stops: all of a tier go together, lower ones first.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    address: str
    probe: Probe
    tier: int
    stop_plan: StopPlan = BY_REQUEST
    folder: Path = ROOT
    version: str = ""
