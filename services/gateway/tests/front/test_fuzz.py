"""A small run of the fuzzer; `python tests/front/fuzz.py` has the large one."""

from __future__ import annotations

import random

from fuzz import fuzz


def test_noise_ends_in_messages_or_codes_and_leaves_nothing_behind() -> None:
    outcomes = fuzz(15_000, seed=random.Random().randrange(1 << 30))
    for name in ("opcode 1", "opcode 2", "opcode 8", "opcode 9", "broken 1002", "broken 1007", "broken 1009"):
        assert outcomes[name] > 0, outcomes
