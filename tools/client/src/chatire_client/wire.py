"""One WebSocket connection, frame by frame: what goes over the wire and nothing that remembers."""

from __future__ import annotations

import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from chatire_client.close_codes import ABNORMAL
from chatire_client.errors import ClientError

SUBPROTOCOL = Subprotocol("chatire.v1")
Frame = dict[str, Any]
# What a reader that follows no events needs not parse: `type` is first in every frame.
_EVENT_HEADS = ('{"type":"event', '{"type": "event')


class Closed(ClientError):
    """The connection is over."""

    def __init__(self, code: int, reason: str = "") -> None:
        """Closed with `code`; 1006 when nobody said so."""
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}".strip())


class BadFrame(ClientError, ValueError):
    """The server sent something that is no frame of chatire.v1."""


def encode(frame_type: str, fields: Frame) -> str:
    """A frame's text: `type` first, fields that are None left out."""
    frame = {"type": frame_type} | {name: value for name, value in fields.items() if value is not None}
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes) -> Frame:
    """The frame in a text; anything else breaks the contract.

    Raises: BadFrame.
    """
    if isinstance(text, bytes):
        raise BadFrame("a binary frame; chatire.v1 has text frames only")
    frame = json.loads(text)
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise BadFrame(f"not a frame: {text[:80]}")
    return frame


class Wire:
    """A connection; use `open`."""

    def __init__(self, connection: ClientConnection) -> None:
        """Wrap an open connection."""
        self._connection = connection

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        subprotocols: tuple[str, ...] = (SUBPROTOCOL,),
        headers: dict[str, str] | None = None,
        origin: str | None = None,
    ) -> Wire:
        """Connect; nothing is sent yet.

        Raises: OSError, TimeoutError, websockets.exceptions.InvalidHandshake.
        """
        connection = await connect(
            url,
            subprotocols=[Subprotocol(each) for each in subprotocols] or None,
            additional_headers=headers,
            origin=origin,  # type: ignore[arg-type]
            compression=None,
            max_size=None,  # `events` frames carry up to 100 messages.
            ping_interval=None,  # The contract's own `ping` is the heartbeat.
            open_timeout=15,
            close_timeout=2,
            proxy=None,
        )
        return cls(connection)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the handshake's answer."""
        response = self._connection.response
        return dict(response.headers.raw_items()) if response else {}

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self._connection.subprotocol

    async def send(self, frame_type: str, **fields: object) -> None:
        """Send one frame.

        Raises: Closed.
        """
        await self.send_raw(encode(frame_type, fields))

    async def send_raw(self, data: str | bytes) -> None:
        """Send one WebSocket message as it is.

        Raises: Closed.
        """
        try:
            await self._connection.send(data)
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def receive(self, *, skip_events: bool = False) -> Frame:
        """The next frame; with `skip_events`, the next that is neither `event` nor `events`.

        Raises: Closed; BadFrame.
        """
        while True:
            try:
                text = await self._connection.recv()
            except ConnectionClosed as closed:
                raise _closed(closed) from None
            if not (skip_events and isinstance(text, str) and text.startswith(_EVENT_HEADS)):
                return decode(text)

    async def close(self) -> None:
        """Close in an orderly way."""
        await self._connection.close()

    def abort(self) -> None:
        """Cut the line without a word, as a lost network does."""
        self._connection.transport.abort()


def _closed(closed: ConnectionClosed) -> Closed:
    return Closed(closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else Closed(ABNORMAL)
