"""Loading the application once, in gunicorn's first process, from which its workers are forked.

A start then costs the CPU of one import, however many workers there are; they share its memory, and one that died is back
at once. What is there before the fork was made by imports alone: keys, clients and connections are made on first use.
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from chatire_shared.serving.lasting import freeze
from chatire_shared.serving.listeners import bind_only


def on_starting(server: Any) -> None:
    """Gunicorn, with `preload_app`: the application is loaded, and there are no workers yet.

    Raises: RuntimeError, when something has begun already that workers can't share.
    """
    _load_views()
    _require_nothing_begun()
    freeze()
    bind_only(server)


def _load_views() -> None:
    """Django imports them at the first request, which would be in each worker."""
    from django.conf import settings

    if hasattr(settings, "ROOT_URLCONF"):
        import_module(settings.ROOT_URLCONF)


def _require_nothing_begun() -> None:
    """A thread stays behind at a fork; a connection that two use is worth nothing to either."""
    from django.db import connections

    begun = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    begun += [opened.alias for opened in connections.all(initialized_only=True) if opened.connection is not None]
    if begun:
        raise RuntimeError(f"begun while the application was loaded: {', '.join(begun)}")
