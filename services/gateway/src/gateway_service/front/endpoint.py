"""`chatire:tcp:port=8003:interface=127.0.0.1`: an endpoint for `daphne -e` that puts the slim front before Daphne.

After `chatire:` comes any endpoint that Twisted knows. Nothing of Django is imported before it listens: Twisted imports
every plugin to look for the one it wants.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import Any

from twisted.internet import defer, tcp
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.plugin import IPlugin
from zope.interface import implementer

from gateway_service.front.tuning import tune


@implementer(IPlugin, IStreamServerEndpointStringParser)
class FrontParser:
    """Reads the endpoint's description."""

    prefix = "chatire"

    def parseStreamServer(self, reactor: Any, *args: str, **kwargs: str) -> FrontEndpoint:  # noqa: N802 (Twisted's name)
        """The endpoint that listens where the inner description says."""
        words = [_quoted(word) for word in args] + [f"{name}={_quoted(value)}" for name, value in kwargs.items()]
        return FrontEndpoint(reactor, serverFromString(reactor, ":".join(words)))  # type: ignore[no-untyped-call]


@implementer(IStreamServerEndpoint)
class FrontEndpoint:
    """Listens where another endpoint does, with the front before the factory it is given."""

    def __init__(self, reactor: Any, inner: Any) -> None:
        self._reactor = reactor
        self._inner = inner

    def listen(self, protocolFactory: Any) -> Any:  # noqa: N803 (Twisted's name)
        """Listen; `protocolFactory` is Daphne's, whose server knows the application."""
        from django.conf import settings

        from gateway_service.front.life import Life
        from gateway_service.front.lobby import Lobby
        from gateway_service.front.on_twisted import Factory
        from gateway_service.realtime.runtime import get_gateway

        server = protocolFactory.server
        lobby = Lobby(server.application, get_gateway, root_path=str(server.root_path))
        # Daphne sets the loop only after it has made its ports.
        self._reactor.callWhenRunning(lambda: lobby.begin(asyncio.get_event_loop()))
        factory = Factory(lobby, protocolFactory)
        listening = defer.maybeDeferred(self._inner.listen, factory).addCallback(tuned)
        if settings.DIRECT_WRITES:
            listening.addCallback(self._with_own_sockets, factory)
        if not getattr(server, "keeps_gateway", False):
            listening.addCallback(Life(self._reactor, get_gateway).begin)
        return listening

    def _with_own_sockets(self, port: Any, factory: Any) -> Any:
        """Accept past Twisted where that can be: on Linux, and nothing but TCP below us (a TLS port has another factory)."""
        if not hasattr(select, "epoll") or type(port) is not tcp.Port or port.factory != factory:
            return port
        from gateway_service.front.doorway import Doorway

        doorway = Doorway(port, factory.lobby, factory.http, self._reactor)
        self._reactor.callWhenRunning(doorway.begin)
        return doorway


def _quoted(word: str) -> str:
    """As Twisted's `quoteStringArgument`, which has no types."""
    return word.replace("\\", "\\\\").replace(":", "\\:")


def tuned(port: Any) -> Any:
    """Set what accepted sockets inherit from the one that listens."""
    listening = getattr(port, "socket", None)
    if listening is not None and listening.family in (socket.AF_INET, socket.AF_INET6):
        tune(listening)
    return port
