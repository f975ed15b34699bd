"""An application for the slim front that isn't the gateway: it never lets go of a socket, and says back what it hears.

At `/ws` plain ASGI, at `/echo` an unmodified Channels consumer, elsewhere the gateway's own pages.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path, re_path

from gateway_service.asgi import application as gateway_application
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.session import Session


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Say back every message; `scope` is answered with what the front made of the handshake, `{"flood": …}` with many."""
    await receive()
    if b"refuse=close" in scope["query_string"]:
        await send({"type": "websocket.close", "code": 4000})
        return
    if b"refuse=raise" in scope["query_string"]:
        raise RuntimeError("this handshake is to fail")
    if b"refuse=return" in scope["query_string"]:
        return
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope["subprotocols"]), None)})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "scope":
            await send({"type": "websocket.send", "text": _told(scope)})
        elif message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4001, "reason": "as you wish"})
        elif (message.get("text") or "").startswith('{"flood"'):
            _flood(scope["chatire.transport"], **json.loads(message["text"])["flood"])
        elif (message.get("text") or "").startswith('{"feed"'):
            await _feed(scope["chatire.transport"], **json.loads(message["text"])["feed"])
        else:
            await send({**message, "type": "websocket.send"})


def _told(scope: Any) -> str:
    headers = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    told = {name: scope[name] for name in ("type", "path", "client", "subprotocols", "root_path", "scheme")}
    return json.dumps(told | {"headers": headers, "query": scope["query_string"].decode()})


def _flood(transport: Any, count: int, size: int) -> None:
    """Many frames in one turn of the loop, past the application; then what was said to be unsent at each."""
    buffered = []
    for number in range(count):
        transport.send_frame(Frame(f"{number:08}".encode() + b"x" * (size - 8)))
        buffered.append(transport.buffered_bytes())
    transport.send_frame(Frame(json.dumps(buffered).encode()))


async def _feed(transport: Any, count: int, size: int) -> None:
    """Frames over many turns by way of the gateway's own bounded queue, never so many that it would give up."""
    connection = Connection("echo", "", Session(0.0), transport, lambda _connection, _code: None)
    transport.on_drained(lambda: connection.drained(time.monotonic()))
    for number in range(count):
        while connection.is_behind:
            await asyncio.sleep(0)
        connection.send(Frame(f"{number:08}".encode() + b"x" * (size - 8)), time.monotonic())
        if number % 7 == 0:
            await asyncio.sleep(0)


class Unmodified(AsyncWebsocketConsumer):  # type: ignore[misc]
    """What the tutorial of Channels shows."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data, bytes_data=bytes_data)


application = ProtocolTypeRouter(
    {
        "http": gateway_application.application_mapping["http"],
        "lifespan": gateway_application.application_mapping["lifespan"],
        "websocket": URLRouter([path("ws", echo), path("echo", Unmodified.as_asgi()), re_path("", echo)]),
    }
)
