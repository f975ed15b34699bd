"""A live connection that lasts: reconnects with jitter, resumes at its cursors, repeats what was not acknowledged.

What arrives is told to an `Observer`, synchronously and in the order of arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import uuid4

from websockets.exceptions import InvalidHandshake, InvalidStatus

from chatire_client import close_codes
from chatire_client.account import EARLY_SECONDS, Account, SignedOut
from chatire_client.backoff import Backoff
from chatire_client.events import Arrival, Cursors, Event
from chatire_client.http import Problem
from chatire_client.outbox import Ack, Outbox, Refused
from chatire_client.wire import Closed, Frame, Wire

READY_SECONDS = 20.0
LATER_SECONDS = 1.0
RENEW_BELOW_SECONDS = 90.0
HEARTBEAT_SHARE = 0.8  # Of the allowed time: a ping that is a little late must still be in time.
# Nothing to tell from a server that is starting: a refused connection, 502 at the handshake, 503 for a refresh.
_UNREACHABLE = (OSError, TimeoutError, InvalidHandshake, Problem)


class Observer:
    """Told what happens on a connection; overrides what it wants to know."""

    def on_ready(self, frame: Frame) -> None:
        """Connected and authenticated."""

    def on_event(self, event: Event, arrival: Arrival) -> None:
        """An event came, as NEXT in its conversation or breaking G2."""

    def on_frame(self, frame: Frame) -> None:
        """Any other frame, after the client itself has acted on it."""

    def on_closed(self, code: int) -> None:
        """The connection is gone; the client goes on by itself where the code allows it."""


class Live:
    """One socket's worth of a user. Start it, then send; stop it in the end."""

    def __init__(
        self, account: Account, *, observer: Observer | None = None, follow: bool = True, random: Random | None = None
    ) -> None:
        """Prepare, without connecting.

        Args:
            account: Whose socket it is; its tokens are refreshed when needed.
            observer: Told of everything that arrives.
            follow: False for one that only writes: it keeps no cursors, and events are dropped unread.
            random: Where the jitter comes from; a seeded one repeats a run.
        """
        self.account = account
        self.cursors = Cursors()
        self.ready: Frame | None = None
        self.connections = 0
        self._observer = observer or Observer()
        self._follow = follow
        self._backoff = Backoff(random or Random())  # noqa: S311 (jitter, not a secret)
        self._outbox = Outbox(self._put_out, self._repeat_later)
        self._queue: asyncio.Queue[tuple[str, Frame]] = asyncio.Queue()
        self._wire: Wire | None = None
        self._is_ready = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
        self._renewing = False
        self._refused_token = ""
        self._last_heard = 0.0
        self._floor_seconds = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: asyncio.Task[None] | None = None

    # What a user does.

    async def start(self, *, within: float = 60.0) -> None:
        """Connect; returns when `ready` has come.

        Raises: TimeoutError; Closed or SignedOut when there is no point in trying again.
        """
        self._runner = asyncio.create_task(self._run())
        await self.wait_ready(within=within)

    async def wait_ready(self, *, within: float = 60.0) -> None:
        """Wait until there is a connection that is ready (again)."""
        if self._runner is None:
            raise RuntimeError("start() first")
        ready = asyncio.create_task(self._is_ready.wait())
        try:
            await asyncio.wait({ready, self._runner}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                return
            if self._runner.done():
                self._runner.result()
            raise TimeoutError(f"{self.account.username} got no `ready` within {within:g} s")
        finally:
            ready.cancel()

    async def wait_ended(self) -> BaseException | None:
        """Wait until the client gives up for good; why: Closed or SignedOut."""
        if self._runner is None:
            return None
        await asyncio.wait({self._runner})
        return None if self._runner.cancelled() else self._runner.exception()

    def submit(
        self, conversation: str, body: str, *, client_id: str | None = None, reply_to: str | None = None
    ) -> asyncio.Future[Ack]:
        """Send a message, as often as it takes. The result is its ack, or raises Refused."""
        result: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()

        def settle(outcome: Ack | Refused) -> None:
            if result.done():
                return
            if isinstance(outcome, Refused):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)

        fields = {"id": client_id or str(uuid4()), "conversation": conversation, "body": body, "reply_to": reply_to}
        self._outbox.add(fields, settle)
        return result

    async def send(
        self, conversation: str, body: str, *, client_id: str | None = None, reply_to: str | None = None
    ) -> Ack:
        """Send a message and wait for its ack.

        Raises: Refused.
        """
        return await self.submit(conversation, body, client_id=client_id, reply_to=reply_to)

    def tell(self, frame_type: str, **fields: object) -> None:
        """Send a frame that wants no answer (`read`, `typing`, `watch`); lost when not connected, as it should be."""
        if self._is_ready.is_set():
            self._put(frame_type, fields)

    @property
    def unsettled(self) -> int:
        """Messages that are neither acknowledged nor refused yet."""
        return len(self._outbox)

    def cut(self) -> None:
        """Lose the network, until `restore`."""
        self._may_connect.clear()
        if self._wire:
            self._wire.abort()

    def restore(self) -> None:
        """Have the network back."""
        self._may_connect.set()

    async def stop(self) -> None:
        """Close and stay closed."""
        if self._wire:
            await self._wire.close()
        for task in (*self._tasks, *([self._runner] if self._runner else [])):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    # Connecting, again and again.

    async def _run(self) -> None:
        try:
            await self._connect_forever()
        except Exception as final:
            self._outbox.abandon(Refused("ended", f"{type(final).__name__}: {final}"))
            raise

    async def _connect_forever(self) -> None:
        while True:
            await self._may_connect.wait()
            code = close_codes.ABNORMAL
            try:
                await self._one_connection()
            except Closed as closed:
                code = closed.code
            except _UNREACHABLE as unreachable:
                self._floor_seconds = max(self._floor_seconds, _asked_to_wait(unreachable))
            finally:
                self._lost()
            self._observer.on_closed(code)
            await self._before_next(code)

    async def _before_next(self, code: int) -> None:
        """Wait as the code asks; raises where there is no next."""
        match close_codes.after(code):
            case close_codes.Then.STOP:
                raise Closed(code)
            case close_codes.Then.SIGN_OUT:
                raise SignedOut(str(code))
            case close_codes.Then.REFRESH:
                self._refused_token = self.account.access
            case close_codes.Then.LATER:
                self._floor_seconds = max(self._floor_seconds, LATER_SECONDS)
            case close_codes.Then.RECONNECT:
                pass
        floor, self._floor_seconds = self._floor_seconds, 0.0
        await asyncio.sleep(self._backoff.next_seconds(at_least=floor))

    async def _one_connection(self) -> None:
        access = await self._access()
        self._wire = wire = await Wire.open(self.account.http.socket_url)
        chunks = self.cursors.chunks() if self._follow else [{}]
        await wire.send("auth", token=access, **chunks[0])
        async with asyncio.timeout(READY_SECONDS):
            frame = await wire.receive()
        if frame["type"] != "ready":
            raise ValueError(f"{frame['type']!r} came before `ready`")
        self._on_ready(frame)
        for chunk in chunks[1:]:
            self._put("resume", chunk)
        helpers = [self._spawn(self._write(wire)), self._spawn(self._keep_alive(wire, float(frame["heartbeat"])))]
        try:
            await self._read(wire)
        finally:
            for helper in helpers:
                helper.cancel()

    async def _access(self) -> str:
        if self.account.access == self._refused_token:
            await asyncio.to_thread(self.account.refresh, spent=self._refused_token)
        if self.account.seconds_left() < EARLY_SECONDS:
            await asyncio.to_thread(self.account.fresh_access)
        return self.account.access

    def _on_ready(self, frame: Frame) -> None:
        self.ready = frame
        self.connections += 1
        self._renewing = False
        self._backoff.succeeded()
        if self._follow:
            self.cursors.on_ready(frame["conversations"])
        self._queue = asyncio.Queue()
        self._observer.on_ready(frame)
        self._is_ready.set()
        self._outbox.connected()

    def _lost(self) -> None:
        if self._wire:
            self._wire.abort()
        self._wire = None
        self._is_ready.clear()
        self._outbox.disconnected()

    # Reading.

    async def _read(self, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        while True:
            frame = await wire.receive(skip_events=not self._follow)
            self._last_heard = loop.time()
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "event":
                self._take_event(frame)
                return
            case "events":
                for each in frame["events"]:
                    self._take_event({"conversation": frame["conversation"]} | each)
                return
            case "ack":
                self._backoff.succeeded()
                self._outbox.acked(Ack(frame["id"], frame["conversation"], frame["seq"], frame["message_id"]))
            case "error":
                self._take_error(frame)
            case "joined" | "resync":
                self.cursors.place(frame["conversation"], frame["last_seq"])
            case "left":
                self.cursors.forget(frame["conversation"])
            case "session":
                self._take_session(frame)
            case "bye":
                self._floor_seconds = frame["reconnect_after_ms"] / 1000
        self._observer.on_frame(frame)

    def _take_event(self, fields: dict[str, Any]) -> None:
        event = Event.read(fields)
        self._observer.on_event(event, self.cursors.arrive(event))

    def _take_error(self, frame: Frame) -> None:
        if frame.get("id") is None:
            return
        refusal = Refused(frame["code"], frame["detail"])
        wait_seconds = frame.get("retry_after_ms", 0) / 1000
        self._outbox.failed(frame["id"], refusal, retryable=frame["retryable"], retry_after_seconds=wait_seconds)

    def _take_session(self, frame: Frame) -> None:
        """Either the answer to our own `auth`, or the reminder that one is due."""
        ends = datetime.fromisoformat(frame["expires_at"])
        if self._renewing:
            self._renewing = False
        elif (ends - datetime.now(UTC)).total_seconds() < RENEW_BELOW_SECONDS:
            self._renewing = True
            self._spawn(self._renew())

    async def _renew(self) -> None:
        try:
            await asyncio.to_thread(self.account.refresh, spent=self.account.access)
        except SignedOut:
            return  # The server closes this socket by itself, and with the right code.
        self._put("auth", {"token": self.account.access})

    # Writing.

    def _put_out(self, fields: dict[str, Any]) -> None:
        self._put("send", fields)

    def _put(self, frame_type: str, fields: Frame) -> None:
        self._queue.put_nowait((frame_type, fields))

    async def _write(self, wire: Wire) -> None:
        while True:
            frame_type, fields = await self._queue.get()
            try:
                await wire.send(frame_type, **fields)
            except Closed:
                return  # The reader tells.

    async def _keep_alive(self, wire: Wire, heartbeat: float) -> None:
        """Ping, and cut a line that has been silent for two heartbeats: the other end is gone."""
        loop = asyncio.get_running_loop()
        self._last_heard = loop.time()
        n = 0
        while loop.time() - self._last_heard < 2 * heartbeat:
            n += 1
            self._put("ping", {"n": n})
            await asyncio.sleep(heartbeat * HEARTBEAT_SHARE)
        wire.abort()

    def _repeat_later(self, conversation: str, seconds: float) -> None:
        wait_seconds = self._backoff.next_seconds(at_least=seconds)
        asyncio.get_running_loop().call_later(wait_seconds, self._outbox.repeat, conversation)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _asked_to_wait(unreachable: BaseException) -> float:
    if isinstance(unreachable, InvalidStatus):
        with suppress(KeyError, ValueError):
            return float(unreachable.response.headers["Retry-After"])
    return 0.0
