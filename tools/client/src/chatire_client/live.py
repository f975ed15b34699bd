"""A live connection that lasts: reconnects with jitter, resumes at its cursors, repeats what was not acknowledged.

What arrives is told to an `Observer`, synchronously and in the order of arrival.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from math import inf
from random import Random
from typing import Any
from uuid import uuid4

from websockets.exceptions import InvalidHandshake, InvalidStatus

from chatire_client import close_codes
from chatire_client.account import Account, SignedOut
from chatire_client.backoff import Backoff
from chatire_client.events import Cursors
from chatire_client.http import Problem
from chatire_client.inbox import Inbox
from chatire_client.observer import Observer
from chatire_client.outbox import Ack, Outbox, Refused
from chatire_client.renewal import Renewal
from chatire_client.wire import BadFrame, Closed, Frame, Wire

READY_SECONDS = 20.0
LATER_SECONDS = 1.0
HEARTBEAT_SHARE = 0.8  # Of the allowed time: a ping that is a little late must still be in time.
QUIET_SECONDS = 12.0  # Without a word from the other end it is asked whether it is there …
ANSWER_SECONDS = 10.0  # … and is gone when it doesn't say so: a dead line is noticed within 22 s.
# On an open line, for what the server couldn't store. Not the 30 s of reconnecting: nobody has to come in here.
MOST_REPEAT_SECONDS = 2.0
# Nothing to tell from a server that is starting: a refused connection, 502 at the handshake, 503 for a refresh.
_UNREACHABLE = (OSError, TimeoutError, InvalidHandshake, Problem)


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
        self._renewal = Renewal(account)
        self._follow = follow
        self._random = random or Random()  # noqa: S311 (jitter, not a secret)
        self._backoff = Backoff(self._random)
        self._repeats: dict[str, Backoff] = {}
        self._outbox = Outbox(self._put_out, self._repeat_later)
        self._inbox = Inbox(self.cursors, self._outbox, self._observer)
        self._queue: asyncio.Queue[tuple[str, Frame]] = asyncio.Queue()
        self._wire: Wire | None = None
        self._is_ready = asyncio.Event()
        self._may_connect = asyncio.Event()
        self._may_connect.set()
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
    def connected(self) -> bool:
        """Whether there is a connection that is ready."""
        return self._is_ready.is_set()

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
                self._renewal.refused()
            case close_codes.Then.LATER:
                self._floor_seconds = max(self._floor_seconds, LATER_SECONDS)
            case close_codes.Then.RECONNECT:
                pass
        floor, self._floor_seconds = self._floor_seconds, 0.0
        await asyncio.sleep(self._backoff.next_seconds(at_least=floor))

    async def _one_connection(self) -> None:
        access = await self._renewal.access()
        self._wire = wire = await Wire.open(self.account.http.socket_url)
        chunks = self.cursors.chunks() if self._follow else [{}]
        await wire.send("auth", token=access, **chunks[0])
        async with asyncio.timeout(READY_SECONDS):
            frame = await wire.receive()
        if frame["type"] != "ready":
            raise BadFrame(f"{frame['type']!r} came before `ready`")
        self._on_ready(frame)
        for chunk in chunks[1:]:
            self._put("resume", chunk)
        helpers = [self._spawn(self._write(wire)), self._spawn(self._keep_alive(wire, float(frame["heartbeat"])))]
        try:
            await self._read(wire)
        finally:
            for helper in helpers:
                helper.cancel()

    def _on_ready(self, frame: Frame) -> None:
        self.ready = frame
        self.connections += 1
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
            case "ack":
                self._repeats.pop(frame["conversation"], None)
            case "bye":
                self._floor_seconds = frame["reconnect_after_ms"] / 1000
            case "session" if self._renewal.is_due(frame["expires_at"]):
                self._spawn(self._renew())
        self._inbox.take(frame)

    async def _renew(self) -> None:
        token = await self._renewal.renewed()
        if token:
            self._put("auth", {"token": token})

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
        """Ping when it is due or the line has been quiet, and cut a line on which nothing answers: the other end is gone."""
        loop = asyncio.get_running_loop()
        most = heartbeat * HEARTBEAT_SHARE
        quiet = min(QUIET_SECONDS, most)
        self._last_heard = loop.time()
        pings, pinged_at = 0, -inf
        while True:
            early = min(pinged_at + most, self._last_heard + quiet) - loop.time()
            if early > 0:
                await asyncio.sleep(early)
                continue
            pings, pinged_at = pings + 1, loop.time()
            self._put("ping", {"n": pings})
            await asyncio.sleep(min(ANSWER_SECONDS, quiet))
            if self._last_heard < pinged_at:
                wire.abort()
                return

    def _repeat_later(self, conversation: str, seconds: float) -> None:
        backoff = self._repeats.setdefault(conversation, Backoff(self._random, most_seconds=MOST_REPEAT_SECONDS))
        wait_seconds = backoff.next_seconds(at_least=seconds)
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
