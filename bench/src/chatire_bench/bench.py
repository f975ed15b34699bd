"""One run of `./chatire bench`: what it works with, and how contenders take turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatire_bench import building, processes
from chatire_bench.contender import Contender, Running, Shape
from chatire_bench.cores import Cores
from chatire_bench.errors import BenchError, Missing
from chatire_bench.figures import OURS, Row
from chatire_bench.loadgen import Line, Loadgen
from chatire_bench.ours import Chatire
from chatire_bench.servers import Servers
from chatire_bench.stack import Stack

_AT_ONCE = 64


@dataclass
class Bench:
    """What every row gets.

    Attributes:
        quick: Everything much smaller, each contender once: to see that it works, not to quote.
        servers: PostgreSQL and Valkey of the peers.
        tell: Says what is going on.
    """

    folder: Path
    pairs: int
    quick: bool
    servers: Servers
    tell: Callable[[str], None]
    cores: Cores = field(default_factory=Cores.of_this_machine)
    command: list[str] = field(default_factory=building.load_generator)
    _missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Name the stack that all rows use, one after the other."""
        self.ours = Chatire(Stack(self.folder / "chatire", keeps=self.quick))

    def begin(self) -> None:
        """Let our stack start already, where it is kept for all rows."""
        if self.quick:
            self.ours.stack.begin(self.ours.counts)

    def close(self) -> None:
        """Stop what was kept running."""
        self.ours.stack.stop()

    def pick(self, full: float, quick: float) -> float:
        """A size of a full run or of a quick one."""
        return quick if self.quick else full

    def pick_shape(self, full: Shape, quick: Shape) -> Shape:
        """A shape of a full run or of a quick one."""
        return quick if self.quick else full

    def seconds(self, full: float) -> float:
        """How long to measure."""
        return self.pick(full, min(full, 1.0))

    @property
    def python(self) -> Path:
        """Python with the Python peers' packages."""
        return building.python_peers(self.tell)

    def node(self, row: Row, make: Callable[[], list[Contender]]) -> list[Contender]:
        """Contenders that need Node; without it, none and a note."""
        try:
            building.node_peers(self.tell)
        except Missing as missing:
            row.note(f"No peers in Node: {missing}.")
            return []
        return make()

    def turns(self, contenders: Sequence[Contender]) -> Iterator[Contender]:
        """Everybody in turn, pair by pair; every other pair the other way round, so that nobody is always first.

        In a quick run we are the last: our stack may be starting still.
        """
        for pair in range(self.pairs):
            ours_first = pair % 2 == 0 and not self.quick
            order: Iterable[Contender] = contenders if ours_first else reversed(contenders)
            for contender in order:
                if pair < contender.runs:
                    self.tell(f"pair {pair + 1} of {self.pairs}: {contender.name}")
                    yield contender

    @contextmanager
    def attempt(self, row: Row, contender: Contender) -> Iterator[None]:
        """One run: when it can't be measured, the others are measured all the same, and the table says so."""
        try:
            yield
        except BenchError as error:
            text = f"{contender.name}: a run failed: {str(error).splitlines()[0]}"
            self.tell(f"{contender.name}: {error}")
            if contender.name == OURS:
                row.wrong.append(text)
            else:
                row.note(text)

    @contextmanager
    def apart(self, running: Running) -> Iterator[None]:
        """Give the measured part its core, and everything else the others."""
        for pid in running.parts.values():
            processes.pin(pid, self.cores.others)
        processes.pin(running.pid, self.cores.server)
        os.sched_setaffinity(0, self.cores.others)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self.cores.all)

    @contextmanager
    def together(self, running: Running) -> Iterator[None]:
        """Let everything run everywhere."""
        for pid in running.parts.values():
            processes.pin(pid, self.cores.all)
        yield

    @contextmanager
    def load(
        self, running: Running, lines: Sequence[Line] | None = None, *, body_bytes: int = 100, connect: bool = True
    ) -> Iterator[Loadgen]:
        """The load generator, connected."""
        wanted = running.lines if lines is None else lines
        if len(wanted) > _most_files():
            raise BenchError(f"{len(wanted)} sockets are more than this machine's limit of open files (ulimit -n)")
        with Loadgen(self.command, running.protocol, wanted, body_bytes=body_bytes) as load:
            if connect:
                load.connect(_AT_ONCE)
            yield load


def _most_files() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100
