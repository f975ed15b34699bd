"""When our own stack is started and stopped; what the launcher does then has tests of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from chatire_bench.errors import BenchError
from chatire_bench.stack import Processes, Stack

ONE, TWO = Processes(gateways=1), Processes(gateways=2)


class Told(Stack):
    """Writes down what the launcher would be told."""

    def __init__(self, data: Path, *, keeps: bool, fails: bool = False) -> None:
        super().__init__(data, keeps=keeps)
        self.told: list[str] = []
        self._fails = fails

    def _launcher(self, command: str, *arguments: str, **_: Any) -> subprocess.CompletedProcess[str]:
        gateways = f" {arguments[arguments.index('--gateways') + 1]}" if "--gateways" in arguments else ""
        self.told.append(command + gateways)
        return subprocess.CompletedProcess([], int(self._fails and command == "up"), "", "")


def use(stack: Stack, *counts: Processes) -> None:
    for each in counts:
        with stack.running(each):
            pass


def test_each_measurement_has_a_stack_of_its_own(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=False)
    use(stack, ONE, ONE)
    assert stack.told == ["up 1", "down"] * 2


def test_one_that_is_kept_serves_whoever_wants_the_same(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    use(stack, ONE, ONE, TWO, TWO)
    assert stack.told == ["up 1", "down", "up 2"]
    stack.stop()
    assert stack.told[-1] == "down"


def test_a_changed_one_is_not_kept(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    with stack.running(ONE):
        stack.remake("gateway", {"CHATIRE_FRONT": "daphne"})
    assert stack.told == ["up 1", "restart", "down"]


def test_one_whose_part_was_only_started_anew_is_kept(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    with stack.running(ONE):
        stack.remake("gateway", {})
    use(stack, ONE)
    assert stack.told == ["up 1", "restart"]
    with stack.running(ONE):
        stack.remake("gateway", {"CHATIRE_FRONT": "daphne"})
        stack.remake("gateway", {})
    assert stack.told == ["up 1", "restart", "restart", "restart", "down"]


def test_one_that_has_begun_is_there_for_the_first_who_wants_it(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    stack.begin(ONE)
    use(stack, ONE, ONE)
    assert stack.told == ["up 1"]


def test_one_that_has_begun_another_way_is_stopped_first(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    stack.begin(ONE)
    use(stack, TWO)
    assert stack.told == ["up 1", "down", "up 2"]


def test_one_that_could_not_begin_says_so_to_the_first_who_wants_it(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True, fails=True)
    stack.begin(ONE)
    with pytest.raises(BenchError):
        use(stack, ONE)
    assert stack.told == ["up 1", "down"]


def test_one_that_nobody_wanted_is_stopped_once_it_has_begun(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True)
    stack.begin(ONE)
    stack.stop()
    assert stack.told == ["up 1", "down"]


def test_one_that_does_not_start_is_stopped_and_not_kept(tmp_path: Path) -> None:
    stack = Told(tmp_path / "data", keeps=True, fails=True)
    for _ in range(2):
        with pytest.raises(BenchError), stack.running(ONE):
            pass
    assert stack.told == ["up 1", "down"] * 2
