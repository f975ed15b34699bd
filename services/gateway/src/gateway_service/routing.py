"""What answers on which path."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter

from gateway_service.realtime.pages import Pages


def build_application() -> Any:
    """The ASGI application of one process."""
    return ProtocolTypeRouter({"http": Pages({})})
