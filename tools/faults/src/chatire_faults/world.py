"""What a fault can reach: the stack, the lines of the clients, the clients themselves, and who may remove whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from chatire_client import Account
from chatire_faults.proxy import FaultProxy
from chatire_faults.stack import Stack
from chatire_faults.talker import Talker


@dataclass(frozen=True, slots=True)
class World:
    """Everything of one campaign that can be broken.

    Attributes:
        keeper: Owns every conversation and has no device, so that nobody's luck depends on it.
        hiding: Conversations that hide the past from who joins: people are removed from these.
        trouble: What a fault itself found broken; ends up among the campaign's findings.
    """

    stack: Stack
    proxies: list[FaultProxy]
    talkers: list[Talker]
    keeper: Account
    hiding: list[str]
    trouble: list[str] = field(default_factory=list)

    def some_proxies(self, random: Random) -> list[FaultProxy]:
        """A random half of the proxies, rounded up."""
        return random.sample(self.proxies, -(-len(self.proxies) // 2))
