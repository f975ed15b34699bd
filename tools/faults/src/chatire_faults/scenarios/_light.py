"""A WebSocket client of which thousands fit into one process: it counts and checks events, and comes back. Nothing else.

Raw frames on asyncio's transports; events are found by their first bytes, not parsed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from chatire_client.backoff import Backoff
from chatire_faults.scenarios._wire import CLOSE, PING, PONG, TEXT, client_frame, handshake, take_frames

EVENT = re.compile(rb'\{"type":"event","conversation":"([0-9a-f-]{36})","seq":(\d+)')
SAID_AT = re.compile(rb'"body":"at (\d+) ')
"""How a poster says when (Unix microseconds) a message was sent."""
_HEAD_END = b"\r\n\r\n"
_SWITCHING, _BUSY = 101, 503


@dataclass(slots=True)
class Tally:
    """What all sockets together saw.

    Attributes:
        events: Events that came in their turn.
        doubled: Events that had come already.
        skipped: Events that came with a gap before them.
        resyncs: `resync` frames: history to be fetched by HTTP.
        busy: Handshakes answered 503.
        failed: Attempts that found nobody, or any other answer.
        closes: Close codes that were sent to us; 1006 for a line that was cut.
        latencies: Seconds from a message's sending to its arrival, of the sockets that measure.
    """

    events: int = 0
    doubled: int = 0
    skipped: int = 0
    resyncs: int = 0
    busy: int = 0
    failed: int = 0
    closes: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as whom a socket connects.

    Attributes:
        address: Host and port.
        source: Our own address, for the limits that count by it; None for any.
        token: The access token.
        receive_bytes: A small receive buffer for one who reads slowly; None for the kernel's own.
    """

    address: tuple[str, int]
    token: str
    source: str | None = None
    receive_bytes: int | None = None


class LightSocket(asyncio.Protocol):
    """One client, over as many connections as it needs.

    Attributes:
        places: By conversation, the newest seq it has: its cursors.
        is_ready: Whether it is let in at this moment.
        measures: Whether it notes latencies.
        stays: Whether it reconnects.
        reads: Whether it reads anything after `ready`.
    """

    def __init__(self, place: Place, tally: Tally, random: Random) -> None:
        """Prepare; `start` connects."""
        self.place = place
        self.places: dict[str, int] = {}
        self.is_ready = False
        self.measures = False
        self.stays = True
        self.reads = True
        self.on_ready: Callable[[], None] = lambda: None
        self._tally = tally
        self._backoff = Backoff(random)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._is_open = False
        self._told_to_wait = 0.0
        self._code = 1006
        self._connecting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Connect, and from then on come back whenever the line is lost."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def stop(self) -> None:
        """Leave for good."""
        self.stays = False
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def drop(self) -> None:
        """Lose the line, as one does who hears nothing any more."""
        if self._transport is not None:
            self._transport.abort()

    def ping(self) -> None:
        """Say that it is still there."""
        if self.is_ready:
            self._send({"type": "ping", "n": 1})

    # Coming

    async def _connect(self) -> None:
        line = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        loop = asyncio.get_running_loop()
        try:
            if self.place.receive_bytes is not None:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.place.receive_bytes)
            if self.place.source is not None:
                line.bind((self.place.source, 0))
            await loop.sock_connect(line, self.place.address)
            await loop.create_connection(lambda: self, sock=line)
        except OSError:
            line.close()
            self._tally.failed += 1
            self._come_back()
        except asyncio.CancelledError:
            line.close()
            raise

    def _come_back(self) -> None:
        if self.stays:
            pause = self._backoff.next_seconds(at_least=self._told_to_wait)
            self._told_to_wait = 0.0
            asyncio.get_running_loop().call_later(pause, self._start_again)

    def _start_again(self) -> None:
        if self.stays:
            self.start()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker)
        self._transport = transport
        self._buffer.clear()
        self._is_open = False
        self._code = 1006
        transport.write(handshake(*self.place.address))

    def connection_lost(self, error: Exception | None) -> None:
        """Note how it ended."""
        if self._is_open:
            self._tally.closes[self._code] += 1
        self._transport, self.is_ready = None, False
        self._come_back()

    def data_received(self, data: bytes) -> None:
        """Take the answer to the handshake, then frames."""
        self._buffer += data
        if self._is_open or self._shake_hands():
            for opcode, payload in list(take_frames(self._buffer)):
                self._take(opcode, payload)

    def _shake_hands(self) -> bool:
        head, end, rest = bytes(self._buffer).partition(_HEAD_END)
        if not end:
            return False
        status = int(head.split(None, 2)[1])
        if status != _SWITCHING:
            self._refused(status, head)
            return False
        self._buffer = bytearray(rest)
        self._is_open = True
        self._send({"type": "auth", "token": self.place.token, "cursors": self.places})
        return True

    def _refused(self, status: int, head: bytes) -> None:
        found = re.search(rb"(?i)\r\nretry-after: *(\d+)", head)
        if status == _BUSY:
            self._tally.busy += 1
        else:
            self._tally.failed += 1
        self._told_to_wait = float(found[1]) if found else 0.0
        if self._transport is not None:
            self._transport.abort()

    # Frames

    def _send(self, frame: dict[str, Any]) -> None:
        self._put(TEXT, json.dumps(frame, separators=(",", ":")).encode())

    def _put(self, opcode: int, payload: bytes) -> None:
        if self._transport is not None:
            self._transport.write(client_frame(opcode, payload))

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            if payload.startswith(b'{"type":"event'):
                self._take_events(payload)
            else:
                self._take_other(json.loads(payload))
        elif opcode == PING:
            self._put(PONG, payload)
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2]) if payload else 1005
            self._put(CLOSE, payload[:2])

    def _take_events(self, payload: bytes) -> None:
        for conversation, text in EVENT.findall(payload):
            name, seq = conversation.decode(), int(text)
            before = self.places.get(name, seq - 1)
            if seq == before + 1:
                self._tally.events += 1
            elif seq <= before:
                self._tally.doubled += 1
            else:
                self._tally.skipped += 1
            self.places[name] = max(seq, before)
        if self.measures:
            now = time.time()
            self._tally.latencies += [now - int(said) / 1e6 for said in SAID_AT.findall(payload)]

    def _take_other(self, frame: dict[str, Any]) -> None:
        kind = frame["type"]
        if kind == "ready":
            self._ready(frame)
        elif kind == "resync":
            self._tally.resyncs += 1
            self.places[frame["conversation"]] = frame["last_seq"]
        elif kind == "bye":
            self._told_to_wait = frame["reconnect_after_ms"] / 1_000

    def _ready(self, frame: dict[str, Any]) -> None:
        for each in frame["conversations"]:
            self.places.setdefault(each["id"], each["last_seq"])
        self.is_ready = True
        self._backoff.succeeded()
        if not self.reads and self._transport is not None:
            self._transport.pause_reading()
        self.on_ready()
