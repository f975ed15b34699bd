"""One epoll for all sockets of a process; to the event loop it is a single descriptor.

By the loop's own `add_reader` each costs 650 bytes under uvloop (a handle, a context, a poll of libuv's), with Twisted's
transport 1,700; here it is an entry of a dict.
"""

from __future__ import annotations

import asyncio
import logging
import select
from typing import Protocol

logger = logging.getLogger("chatire.gateway")

SLICE = 64
"""So many sockets are served before others than sockets have a turn."""


class Polled(Protocol):
    """Whoever has a socket in the poll."""

    def on_readable(self) -> None:
        """There is something to read, or the connection is broken."""

    def on_writable(self) -> None:
        """There is room."""

    def abort(self) -> None:
        """Cut the connection."""


class Poll:
    """Tells each socket's owner what its socket is ready for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._epoll = select.epoll()
        self._owners: dict[int, Polled] = {}
        loop.add_reader(self._epoll.fileno(), self._look)

    def __len__(self) -> int:
        return len(self._owners)

    def watch(self, descriptor: int, owner: Polled) -> None:
        """Read from it on behalf of `owner`."""
        self._owners[descriptor] = owner
        self._epoll.register(descriptor, select.EPOLLIN)

    def pass_on(self, descriptor: int, owner: Polled) -> None:
        """From now on it is another's."""
        self._owners[descriptor] = owner

    def want(self, descriptor: int, *, reading: bool, writing: bool) -> None:
        """Change what its owner is told of; that it is broken is always told."""
        self._epoll.modify(descriptor, (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if writing else 0))

    def forget(self, descriptor: int) -> None:
        """Look at it no more; call it before it is closed."""
        del self._owners[descriptor]
        self._epoll.unregister(descriptor)

    def _look(self) -> None:
        for descriptor, events in self._epoll.poll(0, SLICE):
            # One that was served before it may have closed it.
            owner = self._owners.get(descriptor)
            if owner is not None:
                try:
                    _serve(owner, events)
                except Exception:
                    logger.exception("a socket could not be served")
                    owner.abort()


def _serve(owner: Polled, events: int) -> None:
    if events & select.EPOLLOUT:
        owner.on_writable()
    if events & ~select.EPOLLOUT:
        owner.on_readable()
