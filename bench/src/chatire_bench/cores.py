"""Which cores the measured server has to itself, and which are for everything else."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """A division of the machine.

    Attributes:
        server: The one core of the server that is measured.
        others: The load generator, Redis, PostgreSQL and the runner itself.
    """

    server: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The first core for the server; on a machine with one core, all share it."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(frozenset(usable[:1]), frozenset(usable[1:] or usable))

    @property
    def all(self) -> frozenset[int]:
        """Every core that we may use."""
        return self.server | self.others

    def text(self) -> str:
        """For the report."""
        return f"server on core {_listed(self.server)}, everything else on {_listed(self.others)}"


def _listed(cores: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(cores)))
