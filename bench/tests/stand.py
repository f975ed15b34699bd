"""A server to test the load generator against, on `websockets`: it speaks all three protocols, and errs on request."""

import asyncio
import json
import threading
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from websockets import ConnectionClosed
from websockets.asyncio.server import serve


@dataclass
class Behaviour:
    """What it does wrong."""

    skip: set = field(default_factory=set)
    double: set = field(default_factory=set)
    refuse_handshakes: int = 0
    refuse_messages: bool = False


class Stand:
    """Rooms by path or query; a message to a room goes to all of its sockets, and is acknowledged."""

    def __init__(self, protocol, behaviour):
        self.protocol = protocol
        self.behaviour = behaviour
        self.rooms = defaultdict(set)
        self.seqs = defaultdict(int)
        self.cursors = []
        self.tokens = []
        self.log = defaultdict(list)

    async def __call__(self, socket):
        room = socket.request.path.rpartition("/")[2].rpartition("room=")[2]
        if not await self._greeted(socket, room):
            return
        self.rooms[room].add(socket)
        with suppress(ConnectionClosed):
            async for text in socket:
                await self._received(socket, room, text)
        self.rooms[room].discard(socket)

    async def _greeted(self, socket, room):
        if self.protocol == "socketio":
            await socket.send('0{"sid":"a","pingInterval":25000}')
            assert await socket.recv() == "40"
            await socket.send("2")
            assert await socket.recv() == "3"
            await socket.send('40{"sid":"b"}')
        if self.protocol == "chatire":
            auth = json.loads(await socket.recv())
            self.tokens.append(auth["token"])
            self.cursors.append(auth.get("cursors"))
            ready = {"type": "ready", "conversations": [{"id": room, "last_seq": self.seqs[room]}]}
            await socket.send(json.dumps(ready))
            await self._replay(socket, room, (auth.get("cursors") or {}).get(room))
        return True

    async def _replay(self, socket, room, cursor):
        missed = self.log[room][cursor:] if cursor is not None else []
        if missed:
            await socket.send(json.dumps({"type": "events", "conversation": room, "events": missed}))

    async def _received(self, socket, room, text):
        if text in {"3", '{"type":"ping","n":1}'}:
            return
        if self.protocol == "socketio":
            digits = text[2 : text.index("[")]
            message = json.loads(text[2 + len(digits) :])[1]
            await socket.send(f'43{digits}[{{"seq":1}}]')
        else:
            message = json.loads(text)
            kind = "error" if self.behaviour.refuse_messages else "ack"
            await socket.send(json.dumps({"type": kind, "id": message["id"]}))
            if self.behaviour.refuse_messages:
                return
        await self.say(room, message["body"])

    async def say(self, room, body):
        """One more event."""
        self.seqs[room] += 1
        seq = self.seqs[room]
        event = {"conversation": room, "seq": seq, "kind": "message.created", "data": {"seq": seq, "body": body}}
        self.log[room].append(event)
        times = 0 if seq in self.behaviour.skip else 2 if seq in self.behaviour.double else 1
        for socket in [*self.rooms[room]] * times:
            with suppress(ConnectionClosed):
                await socket.send(self._framed(event))

    def _framed(self, event):
        if self.protocol == "socketio":
            return "42" + json.dumps(["message", event], separators=(",", ":"))
        return json.dumps({"type": "event", **event})

    def refuse(self, connection, _request):
        """503, for as many handshakes as was asked for."""
        if self.behaviour.refuse_handshakes <= 0:
            return None
        self.behaviour.refuse_handshakes -= 1
        answer = connection.respond(503, "later\n")
        answer.headers["Retry-After"] = "1"
        return answer


@contextmanager
def standing(protocol, behaviour=None):
    """Run it in a thread; gives the stand, its port, and a way to run something in its loop."""
    stand = Stand(protocol, behaviour or Behaviour())
    loop = asyncio.new_event_loop()
    started = threading.Event()
    port = []

    async def run():
        protocols = ["chatire.v1"] if protocol == "chatire" else None
        async with serve(
            stand,
            "127.0.0.1",
            0,
            compression=None,
            subprotocols=protocols,
            process_request=stand.refuse,
            ping_interval=0.2,
        ) as server:
            port.append(next(iter(server.sockets)).getsockname()[1])
            stopping.append(asyncio.Event())
            started.set()
            await stopping[0].wait()

    stopping = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    started.wait(10)

    def call(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    try:
        yield stand, port[0], call
    finally:
        loop.call_soon_threadsafe(stopping[0].set)
        thread.join(10)
        loop.close()
