"""Places in the code where a test may have the process die or stall, to prove that nothing is lost there.

Outside of tests `hit` and `started` do nothing: they are armed by `CHATIRE_FAULTS_DIR` or `CHATIRE_SABOTAGE` in the
environment, and only where `chatire_shared.testing` is installed. The built images leave it out (`.dockerignore`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module

FOLDER_NAME = "CHATIRE_FAULTS_DIR"
SABOTAGE_NAME = "CHATIRE_SABOTAGE"


def _nothing(name: str) -> None:
    """Go on."""


def _find(environment_name: str, function: str) -> Callable[[str], None]:
    if not os.environ.get(environment_name):
        return _nothing
    try:
        found: Callable[[str], None] = getattr(import_module("chatire_shared.testing.faults"), function)
    except ImportError:
        return _nothing
    return found


hit = _find(FOLDER_NAME, "hit")
"""Pass a crash point, named `<part>.<place>`, for instance `relay.after_publish`."""

CAN_HIT = hit is not _nothing
"""Whether points can be armed: what is one step otherwise is then two, so that a test can stop in between."""

started = _find(SABOTAGE_NAME, "sabotage")
"""Say that this process, of the part named, has loaded its code and is about to serve."""
