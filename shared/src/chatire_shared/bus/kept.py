"""Connections to a Redis for synchronous code that says little, and often.

A PUBLISH takes redis-py 86 to 125 µs of CPU on its way through pool and retry; over a connection that is kept at hand, 33 µs.
How to connect, and how to read an answer, redis-py knows best.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import Any

import hiredis
import redis

Command = tuple[str | bytes, ...]


class _Kept:
    """A connection, and how many answers it still owes to what was said on it."""

    __slots__ = ("connection", "owed")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.owed = 0

    def send(self, commands: Sequence[Command]) -> None:
        self.connection.send_packed_command([b"".join(map(_packed, commands))], check_health=False)
        self.owed += len(commands)

    def answers(self) -> list[Any]:
        """All that it owes."""
        answers = [_answer(self.connection) for _ in range(self.owed)]
        self.owed = 0
        return answers


class KeptConnections:
    """Thread-safe; a process that was forked begins with none."""

    def __init__(self, client: redis.Redis) -> None:
        """Connect as `client` does, when it is first needed."""
        self._pool = client.connection_pool
        self._idle: deque[_Kept] = deque()
        self._process = os.getpid()

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go; the answers in order, a refusal of Redis as the exception that it is.

        Raises: redis.ConnectionError, redis.TimeoutError: nobody knows which of them were done. All connections are
            dropped then: who broke off one (a restart) has broken off all.
        """
        kept = self._take()
        try:
            owed = kept.owed
            kept.send(commands)
            answers = kept.answers()[owed:]
        except BaseException:
            self._drop(kept)
            raise
        self._put_back(kept, answers)
        return answers

    def run_again(self, commands: Sequence[Command]) -> list[Any]:
        """`run`, and once more when a kept connection broke: it may have been broken for long."""
        try:
            return self.run(commands)
        except redis.exceptions.TimeoutError:
            raise
        except redis.exceptions.ConnectionError:
            return self.run(commands)

    def say(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands without waiting for what Redis says to them; the answers to what was said here before.

        To wait would cost a sleep and an awakening, and whoever says something small can do nothing with the answer.

        Raises: as `run`, when it is known by now that they did not arrive.
        """
        kept = self._take()
        try:
            late = self._late_answers(kept)
            kept.send(commands)
        except BaseException:
            self._drop(kept)
            raise
        self._idle.append(kept)
        return late

    def close(self) -> None:
        """Drop those that nobody uses at the moment."""
        while self._idle:
            self._idle.pop().connection.disconnect()

    def _take(self) -> _Kept:
        if os.getpid() != self._process:
            self._idle, self._process = deque(), os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return _Kept(self._pool.connection_class(**self._pool.connection_kwargs))

    def _put_back(self, kept: _Kept, answers: Sequence[Any]) -> None:
        if any(isinstance(answer, Exception) for answer in answers):
            kept.connection.disconnect()  # After some refusals ("Protocol error") Redis closes it, a moment later.
        else:
            self._idle.append(kept)

    def _drop(self, kept: _Kept) -> None:
        kept.connection.disconnect()
        self.close()

    def _late_answers(self, kept: _Kept) -> list[Any]:
        """What it owes; when it is broken, or soon will be, it is cut, and connected anew by the next `send`."""
        try:
            answers = kept.answers()
            # It owes nothing now, so there is nothing else to read than its end.
            is_fine = not kept.connection.can_read(timeout=0) and not any(isinstance(one, Exception) for one in answers)
        except redis.exceptions.TimeoutError:
            raise
        except redis.exceptions.ConnectionError:
            answers, is_fine = [], False
        if not is_fine:
            kept.connection.disconnect()
            kept.owed = 0
        return answers


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except redis.exceptions.ResponseError as refusal:
        return refusal


def _packed(command: Command) -> bytes:
    # Its stub allows a single word only.
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed
