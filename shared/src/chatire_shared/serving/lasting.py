"""What lives as long as the process is no business of the garbage collector's."""

from __future__ import annotations

import gc

SELDOM = (50_000, 20, 100)


def load_calmly() -> None:
    """Before a process loads its code: collect seldom, for nothing of that is garbage. A fifth of the CPU of a start."""
    gc.set_threshold(*SELDOM)


def freeze() -> None:
    """Leave all that exists now out of collections, and have them more seldom.

    Full collections cost a third of a busy gateway, and between a quarter and a half of a handshake at 10,000 sockets.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*SELDOM)


def end_calmly() -> None:
    """Before a process ends: Python would look through everything for garbage once more, for a quarter of a second of CPU."""
    gc.freeze()
