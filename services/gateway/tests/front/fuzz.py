"""`python fuzz.py --frames 5000000 [--seed N]`: noise against the parser; no exception but its own, and nothing left behind.

Each stream is cut at random and given to a parser of its own, which must end in a message, a wait or a code, hold no
more than its limit, and leave no memory behind: resident memory is compared after each tenth of the run.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

from parsing import cut
from streams import noise, stream

from gateway_service.front import wire

LIMIT = 1_000
MAX_GROWTH_BYTES = 8 << 20
MAX_TRACED_GROWTH_BYTES = 256 << 10
TENTHS = 10


def fuzz(frames: int, seed: int) -> Counter[str]:
    """Feed at least so many frames; returns how often what came out.

    Raises:
        AssertionError: a parser held more than it may, or memory grew.
    """
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()
    resident: list[int] = []
    traced: list[int] = []
    began_tracing = not tracemalloc.is_tracing() and frames <= 100_000
    if began_tracing:
        tracemalloc.start()
    for tenth in range(1, TENTHS + 1):
        while outcomes["frame"] < frames * tenth // TENTHS:
            _one(chance, outcomes)
        gc.collect()
        resident.append(_resident_bytes())
        traced.append(tracemalloc.get_traced_memory()[0] if tracemalloc.is_tracing() else 0)
    if began_tracing:
        tracemalloc.stop()
    # The first tenth is left out: caches fill.
    assert resident[-1] - resident[1] < MAX_GROWTH_BYTES, resident
    assert traced[-1] - traced[1] < MAX_TRACED_GROWTH_BYTES, traced
    return outcomes


def _one(chance: random.Random, outcomes: Counter[str]) -> None:
    """One connection: half are noise, half are right up to one mistake."""
    data = noise(chance) if chance.random() < 0.5 else stream(chance)
    parser = wire.Parser(LIMIT)
    for piece in cut(data, chance.randrange(1 << 30)):
        parser.feed(piece)
        try:
            while (item := parser.next()) is not None:
                outcomes["frame"] += 1
                outcomes[f"opcode {item[0]}"] += 1
        except wire.Broken as broken:
            outcomes["frame"] += 1
            outcomes[f"broken {broken.code}"] += 1
            assert parser.is_over
        assert parser.unread <= 2 * LIMIT + 14 + len(piece)
    assert parser.unread == 0 or not parser.is_over


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    began = time.process_time()
    outcomes = fuzz(options.frames, options.seed)
    for name, count in sorted(outcomes.items()):
        sys.stdout.write(f"{name:12} {count:>10,}\n")
    seconds = time.process_time() - began
    sys.stdout.write(f"seed {options.seed}: {outcomes['frame']:,} frames in {seconds:.0f} CPU-s, nothing left behind\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
