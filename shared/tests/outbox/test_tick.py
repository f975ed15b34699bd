"""The board and the tick."""

from collections.abc import Callable
from typing import Any

import pytest

from chatire_shared.bus.port import BusUnavailable
from chatire_shared.outbox.tick import KEEP_SECONDS, Board, Ticker


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def note(user: str, version: int) -> dict[str, object]:
    return {"type": "chatire.member", "user": user, "membership_version": version}


def test_the_board_holds_the_highest_number_even_when_a_lower_one_is_published_again(clock: Clock) -> None:
    board = Board(clock)
    for seq in (1, 3, 2):
        board.note("conv.a", seq, {"type": "chatire.event"})
    board.note("user.x", None, note("x", 5))
    board.note("user.x", None, note("x", 4))
    assert (board.heads(), board.members()) == ([["a", 3]], [["x", 5]])


def test_the_board_forgets_after_five_seconds(clock: Clock) -> None:
    board = Board(clock)
    board.note("conv.a", 1, {})
    clock.seconds += KEEP_SECONDS / 2
    board.note("conv.b", 1, {})
    board.note("conv.a", 2, {})
    clock.seconds += KEEP_SECONDS
    assert board.heads() == [["b", 1], ["a", 2]]
    clock.seconds += 0.1
    assert board.heads() == []


def test_the_board_is_bounded_and_keeps_the_latest(clock: Clock) -> None:
    board = Board(clock, max_entries=3)
    for number in range(10):
        board.note(f"conv.{number}", 1, {})
    assert [head for head, _ in board.heads()] == ["7", "8", "9"]


def test_other_messages_leave_no_mark(clock: Clock) -> None:
    board = Board(clock)
    board.note("user.x", 7, {"type": "chatire.read", "user": "x"})
    board.note("conv.a", None, {"type": "chatire.event"})
    assert board.heads() == board.members() == []


def test_ticks_are_counted_and_carry_the_relays_id(publisher: Any, ear: Any, until: Callable) -> None:
    board = Board()
    ticker = Ticker(publisher, board)
    ticker.tick()
    board.note("conv.a", 4, {})
    ticker.tick()
    until(lambda: len(ear.heard) == 2)
    (_, first), (topic, second) = ear.heard
    assert topic == "tick"
    assert (first["n"], second["n"], second["heads"], second["members"]) == (1, 2, [["a", 4]], [])
    assert first["relay"] == second["relay"] != Ticker(publisher, board)._relay


def test_a_running_ticker_survives_a_crash_of_redis(publisher: Any, valkey: Any, ear: Any, until: Callable) -> None:
    ticker = Ticker(publisher, Board(), seconds=0.01)
    ticker.start()
    until(lambda: len(ear.heard) > 3)
    valkey.kill()
    until(lambda: not publisher.healthy)
    with pytest.raises(BusUnavailable):
        ticker.tick()
    valkey.start()
    heard = len(ear.heard)
    until(lambda: len(ear.heard) > heard)
    ticker.stop()
    ticker.join()


def test_a_ticker_is_silent_while_its_relay_does_not_work(publisher: Any, ear: Any, until: Callable) -> None:
    asked: list[bool] = []

    def works() -> bool:
        asked.append(len(asked) >= 5)
        return asked[-1]

    ticker = Ticker(publisher, Board(), seconds=0.01, works=works)
    ticker.start()
    until(lambda: len(ear.heard) >= 2)
    ticker.stop()
    ticker.join()
    assert ticker.count == len(asked) - 5
