"""`python -m gateway_service.server --bind HOST --port PORT`: the gateway under Daphne.

Daphne's server and protocol are subclassed where they can't do what the contract says (docs/protocol.md, "WebSocket"):
close codes beyond 1000 and 3000-4999, 503 at the handshake, our codes for frames that are too large or not UTF-8,
leaving gently, and a way past Autobahn's framing for frames that were built once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import socket
import sys
import time
from typing import Any

# Daphne installs Twisted's asyncio reactor when it is imported, on whatever loop asyncio makes then.
with contextlib.suppress(ImportError):
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

from autobahn.websocket import protocol as autobahn_protocol
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import defer, reactor

from chatire_shared.contracts import close_codes
from chatire_shared.crash_points import started
from chatire_shared.serving.lasting import freeze
from gateway_service.realtime.transport import DaphneTransport

MAX_MESSAGE_BYTES = 524_288
"""Daphne's own limit, well above ours (131,072), so that a frame that is merely too large gets 4413 and no cut."""
FRONTS = {"daphne": "", "slim": "chatire:"}
"""What each setting puts before the endpoint's description (`gateway_service.front.endpoint`)."""
BACKSTOP_PING_SECONDS = 60
CLOSE_SECONDS = 3
KERNEL_BUFFER_BYTES = 65_536
"""Linux doubles it. Left to itself the kernel takes megabytes for a reader that has stalled, and hides that it has."""

# Autobahn sets its forty options out in a table for a debug line, at each connection: a fifth of what a handshake cost.
vars(autobahn_protocol)["pformat"] = str

_TOO_BIG, _INVALID_PAYLOAD = 1009, 1007
_ORIGIN = re.compile(rb"^origin:([^\r\n]*)\r\n", re.IGNORECASE | re.MULTILINE)
"""Daphne hands the whole head over at once, a header given twice as one line."""
_CODES = {_TOO_BIG: close_codes.FRAME_TOO_LARGE, _INVALID_PAYLOAD: close_codes.MALFORMED}


class GatewayProtocol(WebSocketProtocol):  # type: ignore[misc]
    """One WebSocket under Daphne."""

    way_out: DaphneTransport
    origin: bytes | None = None
    _head_seen = False

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 (Twisted's name)
        """Take `Origin` out of the handshake before Autobahn sees it: it answers 400 to some that we answer with 4403."""
        if not self._head_seen:
            self._head_seen = True
            found = _ORIGIN.search(data)
            if found is not None:
                self.origin = found[1].strip()
                data = data[: found.start()] + data[found.end() :]
        super().dataReceived(data)

    def onConnect(self, request: Any) -> Any:  # noqa: N802 (Autobahn's name)
        """Begin the handshake, or answer 503 when too many arrive at once."""
        gateway = self.factory.server_class.gateway
        later = gateway.turns_away(time.monotonic())
        if later is not None:
            self.failHandshake("Too many connections at once", 503, [("Retry-After", str(later))])
            return defer.Deferred()
        self.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
        self.transport.setTcpNoDelay(True)
        self.way_out = DaphneTransport(self, gateway.unread)
        return super().onConnect(request)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:  # noqa: FBT001, N802, N803
        """Tell the application, if one was made."""
        if self in self.factory.server_class.connections:
            super().onClose(wasClean, code, reason)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802 (Daphne's name)
        """Close with any code: Autobahn's own `sendClose` raises for 1012."""
        self.sendCloseFrame(code=1000 if code is None else code, isReply=False)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: FBT001, N802, N803
        """Hand a frame on, and count it: Daphne's queue has no bound (gateway.md B5)."""
        super().onMessage(payload, isBinary)
        if not self.muted:
            self.way_out.arrived(len(payload))

    def _fail_connection(self, code: int = close_codes.GOING_AWAY, reason: str = "going away") -> None:
        self.way_out.broken_with = _CODES.get(code, code)
        super()._fail_connection(self.way_out.broken_with, reason)


class GatewayFactory(WebSocketFactory):  # type: ignore[misc]
    """Makes our protocol."""

    protocol = GatewayProtocol


class Counting:
    """The application, and word to the transport of each frame that it takes out of Daphne's queue."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        transport = scope.get("chatire.transport")
        if not isinstance(transport, DaphneTransport):
            await self._application(scope, receive, send)
            return

        async def take() -> Any:
            message = await receive()
            if message["type"] == "websocket.receive":
                transport.taken(_size(message))
            elif message["type"] == "websocket.disconnect" and transport.broken_with is not None:
                message |= {"code": transport.broken_with, "chatire.by_us": True}
            return message

        try:
            await self._application(scope, take, send)
        finally:
            transport.forgotten()


def _size(message: dict[str, Any]) -> int:
    text = message.get("text")
    return len(message["bytes"]) if text is None else len(text if text.isascii() else text.encode())


class GatewayServer(Server):  # type: ignore[misc]
    """Daphne with our protocol, and a gentle end."""

    keeps_gateway = True
    """It starts and stops the gateway; under the stock `daphne` command the endpoint does (`front.life`)."""

    def __init__(self, application: Any, gateway: Any, **options: Any) -> None:
        super().__init__(Counting(application), **options)
        self.gateway = gateway
        self._ports: list[Any] = []

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        reactor.callWhenRunning(self._begin)
        super().run()

    def _begin(self) -> None:
        self.ws_factory.__class__ = GatewayFactory
        self.ws_factory.protocol = GatewayProtocol
        # A close frame with a code, not a cut connection, also for what breaks RFC 6455 itself.
        # A client that is slow, but there, gets to see why: Autobahn's own second is short for it.
        self.ws_factory.setProtocolOptions(
            failByDrop=False, closeHandshakeTimeout=CLOSE_SECONDS, echoCloseCodeReason=True
        )
        started("gateway")
        self._starting = asyncio.ensure_future(self.gateway.start())
        freeze()

    def listen_success(self, port: Any) -> None:
        """Remember the port, to stop listening on it."""
        super().listen_success(port)
        self._ports.append(port)

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Give sockets their way past Autobahn's framing."""
        if scope["type"] == "websocket":
            if protocol.origin is not None:
                scope["headers"].append((b"origin", protocol.origin))
            scope["chatire.transport"] = protocol.way_out
        return super().create_application(protocol, scope)

    def kill_all_applications(self) -> Any:
        """Twisted waits for what this returns before it stops: everybody is sent away gently first."""
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        from gateway_service.realtime.draining import drain, stop_listening

        await stop_listening(self._ports)
        await drain(self.gateway)
        await self.gateway.stop()
        running = [details.get("application_instance") for details in self.connections.values()]
        pending = [application for application in running if application is not None and not application.done()]
        for application in pending:
            application.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the gateway; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gateway_service.server", description="The realtime gateway.")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    options = parser.parse_args(arguments)
    from django.conf import settings

    from gateway_service.asgi import application
    from gateway_service.realtime.runtime import get_gateway

    if settings.FRONT not in FRONTS:
        parser.error(f"CHATIRE_FRONT must be one of {', '.join(FRONTS)}, not {settings.FRONT!r}.")
    front = FRONTS[settings.FRONT]
    interface = options.bind.replace(":", chr(92) + ":")
    server = GatewayServer(
        application,
        get_gateway(),
        endpoints=[f"{front}tcp:port={options.port}:interface={interface}:backlog=4096"],
        websocket_timeout=-1,
        websocket_connect_timeout=20,
        websocket_handshake_timeout=10,
        websocket_max_message_size=MAX_MESSAGE_BYTES,
        websocket_max_frame_size=MAX_MESSAGE_BYTES,
        ping_interval=BACKSTOP_PING_SECONDS,
        ping_timeout=BACKSTOP_PING_SECONDS,
        application_close_timeout=15,
        server_name="chatire",
    )
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
