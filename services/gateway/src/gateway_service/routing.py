"""What answers on which path."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

from chatire_shared.serving.lasting import freeze
from gateway_service.realtime.consumers import GatewayConsumer
from gateway_service.realtime.pages import Pages
from gateway_service.realtime.reporting import metrics_text
from gateway_service.realtime.runtime import get_gateway


class Lifespan:
    """Starts and stops the gateway under servers that speak ASGI's lifespan; Daphne doesn't, `server.py` does it there."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Follow the server's life."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await get_gateway().start()
                freeze()
                await send({"type": "lifespan.startup.complete"})
            else:
                await get_gateway().stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def nowhere(scope: Any, receive: Any, send: Any) -> Any:
    """A WebSocket at any other path: refused before it is accepted."""
    await receive()
    await send({"type": "websocket.close", "code": 1000})


def build_application() -> Any:
    """The ASGI application of one process."""
    checks = {"changes": lambda: get_gateway().feed.caught_up_once, "staying": lambda: not get_gateway().draining}
    sockets = URLRouter([path("ws", GatewayConsumer.as_asgi()), re_path("", nowhere)])
    return ProtocolTypeRouter(
        {
            "http": Pages(checks, lambda: metrics_text(get_gateway())),
            "websocket": sockets,
            "lifespan": Lifespan(),
        }
    )
