"""What lives as long as the process is no business of the garbage collector's."""

from __future__ import annotations

import gc


def freeze() -> None:
    """Leave all that exists now out of collections, and have them more seldom.

    Full collections cost a third of a busy gateway, and between a quarter and a half of a handshake at 10,000 sockets.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
