"""Deadlines and joined writes, with time and turns in the test's hand; what sockets inherit."""

from __future__ import annotations

import socket
from collections.abc import Callable

from twisted.internet import endpoints
from twisted.internet.testing import MemoryReactor
from twisted.plugin import getPlugins

from gateway_service.front.deadlines import Deadlines
from gateway_service.front.endpoint import FrontParser, tuned
from gateway_service.front.flusher import SLICE, Flusher
from gateway_service.front.tuning import KERNEL_BUFFER_BYTES, USER_TIMEOUT_MS


class Clock:
    """Time that passes when it is told to, and what was to be called then."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.late: list[str] = []

    def deadlines(self) -> Deadlines[str]:
        return Deadlines(3, self.late.append, call_later=self.call_later, clock=lambda: self.now)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((self.now + seconds, call))

    def pass_to(self, moment: float) -> None:
        self.now = moment
        due = [timer for timer in self.timers if timer[0] <= moment]
        self.timers = [timer for timer in self.timers if timer[0] > moment]
        for _, call in due:
            call()


def test_who_is_not_done_in_time_is_late_once() -> None:
    clock = Clock()
    deadlines = clock.deadlines()
    deadlines.watch("ada")
    clock.pass_to(101)
    deadlines.watch("grace")
    deadlines.watch("linus")
    deadlines.forget("grace")
    clock.pass_to(103)
    assert clock.late == ["ada"]
    clock.pass_to(104)
    assert clock.late == ["ada", "linus"]
    assert len(deadlines) == 0


def test_being_watched_again_gives_no_more_time() -> None:
    clock = Clock()
    deadlines = clock.deadlines()
    deadlines.watch("ada")
    clock.pass_to(102)
    deadlines.watch("ada")
    clock.pass_to(103)
    assert clock.late == ["ada"]


def test_after_a_standstill_what_waits_is_read_before_anybody_is_late() -> None:
    clock = Clock()
    deadlines = clock.deadlines()
    deadlines.watch("ada")
    deadlines.watch("grace")
    clock.pass_to(110)
    assert clock.late == []
    deadlines.forget("ada")
    clock.pass_to(111)
    assert clock.late == ["grace"]


def test_there_is_one_timer_for_all_and_none_for_nobody() -> None:
    clock = Clock()
    deadlines = clock.deadlines()
    for name in ("ada", "grace", "linus"):
        deadlines.watch(name)
    assert len(clock.timers) == 1
    for name in ("ada", "grace", "linus"):
        deadlines.forget(name)
    clock.pass_to(103)
    assert clock.timers == []
    assert clock.late == []


class Writers:
    """Those who want to be flushed, and the loop's turns."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.flusher = Flusher(self.calls.append)
        self.flushed: list[int] = []

    def writer(self, number: int) -> Writer:
        return Writer(self, number)

    def turn(self) -> None:
        calls, self.calls[:] = list(self.calls), []
        for call in calls:
            call()


class Writer:
    def __init__(self, writers: Writers, number: int) -> None:
        self.writers = writers
        self.number = number
        self.is_queued = False

    def flush(self) -> None:
        self.writers.flushed.append(self.number)


def test_all_of_a_turn_are_flushed_in_order_by_one_call() -> None:
    writers = Writers()
    for number in range(5):
        writers.flusher.soon(writers.writer(number))
    assert len(writers.calls) == 1
    writers.turn()
    assert writers.flushed == [0, 1, 2, 3, 4]
    assert writers.calls == []


def test_very_many_are_flushed_in_slices_with_turns_for_others_in_between() -> None:
    writers = Writers()
    for number in range(SLICE * 2 + 1):
        writers.flusher.soon(writers.writer(number))
    writers.turn()
    assert len(writers.flushed) == SLICE
    writers.flusher.soon(writers.writer(-1))
    writers.turn()
    writers.turn()
    assert writers.flushed == [*range(SLICE * 2 + 1), -1]
    assert writers.calls == []


def test_who_asks_again_and_again_has_one_place_and_holds_up_nobody() -> None:
    """A socket in a busy room fills one write after the other, without waiting for its turn."""
    writers = Writers()
    busy = writers.writer(0)
    for _ in range(SLICE * 3):
        writers.flusher.soon(busy)
        busy.flush()
    writers.flushed.clear()
    writers.flusher.soon(writers.writer(1))
    writers.turn()
    assert writers.flushed == [0, 1]
    writers.flusher.soon(busy)
    writers.turn()
    assert writers.flushed == [0, 1, 0]


def test_what_several_have_in_common_is_joined_once() -> None:
    flusher = Writers().flusher
    one, two = b"one", b"two"
    joined = flusher.joined([one, two])
    assert joined == b"onetwo"
    assert flusher.joined([one, two]) is joined
    assert flusher.joined([two, one]) == b"twoone"
    assert flusher.joined([one]) is one


class Port:
    """Twisted's port, as far as it is looked at."""

    def __init__(self, listening: socket.socket) -> None:
        self.socket = listening


def test_accepted_sockets_inherit_their_options_from_the_one_that_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        tuned(Port(listening))
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * KERNEL_BUFFER_BYTES
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USER_TIMEOUT_MS


def test_an_address_of_any_kind_is_handed_on_as_it_was(tmp_path) -> None:
    reactor = MemoryReactor()  # The real one would be the reactor of all tests of this process.
    found = [plugin for plugin in getPlugins(endpoints.IStreamServerEndpointStringParser) if plugin.prefix == "chatire"]
    assert len(found) == 1
    assert isinstance(found[0], FrontParser)
    inner = endpoints.serverFromString(reactor, r"chatire:tcp:port=1:interface=\:\:1")._inner
    assert (inner._port, inner._interface) == (1, "::1")
    assert (
        endpoints.serverFromString(reactor, f"chatire:unix:{tmp_path}/socket")._inner._address == f"{tmp_path}/socket"
    )
