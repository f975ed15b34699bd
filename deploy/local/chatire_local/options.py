"""What a user may choose about a stack, with the defaults."""

from dataclasses import dataclass
from pathlib import Path

from .checkout import DEFAULT_DATA


@dataclass(frozen=True)
class StackOptions:
    """One `./chatire up`. How many of each there are; `workers`: processes of each of `messages`."""

    port: int = 8000
    data: Path = DEFAULT_DATA
    auths: int = 1
    messages: int = 1
    relays: int = 1
    gateways: int = 1
    workers: int = 2
    limits: str = "on"

    @property
    def origin(self) -> str:
        """The address users open."""
        return f"http://localhost:{self.port}"
