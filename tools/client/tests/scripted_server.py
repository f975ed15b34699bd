"""A server that speaks chatire.v1 by a script: each connection is handled by the next function of a list."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.asyncio.server import serve

from chatire_client import Account, Http

ADA = {"id": "ada-id", "username": "ada", "display_name": "Ada"}


def token(name: str, seconds: float = 600) -> str:
    """Something that says when it ends, as an access token does."""
    claims = json.dumps({"exp": time.time() + seconds, "jti": name}).encode()
    return f"head.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


def ready(*conversations: dict) -> dict:
    return {
        "type": "ready",
        "user": ADA,
        "session": {"id": "s", "expires_at": "2099-01-01T00:00:00.000000Z"},
        "heartbeat": 25,
        "conversations": list(conversations),
    }


def conversation(last_seq: int) -> dict:
    return {"id": "c", "kind": "group", "epoch": "e", "visible_from_seq": 1, "last_seq": last_seq, "read_seq": 0}


def event(seq: int) -> dict:
    return {"type": "event", "conversation": "c", "seq": seq, "kind": "member.added", "actor": None, "data": {}}


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection):
        self._connection = connection
        self.auth = {}

    async def receive(self, *, but="ping"):
        while True:
            frame = json.loads(await self._connection.recv())
            if frame["type"] != but:
                return frame

    async def send(self, frame):
        await self._connection.send(json.dumps(frame))

    async def close(self, code):
        await self._connection.close(code)

    def abort(self):
        self._connection.transport.abort()

    async def welcome(self, *conversations):
        self.auth = await self.receive()
        await self.send(ready(*conversations))

    async def ack(self, frame, seq):
        answer = {"id": frame["id"], "conversation": frame["conversation"], "seq": seq, "message_id": f"m{seq}"}
        await self.send({"type": "ack"} | answer)

    async def until_gone(self):
        await self._connection.wait_closed()


class Server:
    """What the script's connections leave to look at."""

    def __init__(self):
        self.account = None
        self.connections = 0
        self.refreshes = 0
        self.refresh_status = 200
        self.failures = []


@asynccontextmanager
async def scripted(*script):
    """Serve the connections of a script in turn; the last one again and again."""
    server = Server()

    async def handle(connection):
        number = min(server.connections, len(script) - 1)
        server.connections += 1
        try:
            await script[number](Peer(connection))
        except AssertionError as failure:
            server.failures.append(failure)

    with _refreshing(server) as http_port:
        async with serve(handle, "127.0.0.1", 0, subprotocols=["chatire.v1"], compression=None) as socket_server:
            port = socket_server.sockets[0].getsockname()[1]
            server.account = Account(_Split(http_port, port), ADA, token("first"), "refresh-1")
            yield server
    if server.failures:
        raise server.failures[0]


class _Split(Http):
    """Two ports in place of one origin."""

    def __init__(self, http_port, socket_port):
        super().__init__(f"http://127.0.0.1:{http_port}")
        self._socket_port = socket_port

    @property
    def socket_url(self):
        return f"ws://127.0.0.1:{self._socket_port}/ws"


class _refreshing:  # noqa: N801 (used like a function)
    """An HTTP server that answers every refresh with the next token."""

    def __init__(self, server):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                server.refreshes += 1
                answer = {
                    "access": token(f"refreshed-{server.refreshes}"),
                    "refresh": f"refresh-{server.refreshes + 1}",
                }
                body = json.dumps(answer if server.refresh_status == 200 else {"code": "token_reused"}).encode()
                self.send_response(server.refresh_status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self):
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self._http.server_address[1]

    def __exit__(self, *_error):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


async def soon(condition, *, within=10.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.005)
