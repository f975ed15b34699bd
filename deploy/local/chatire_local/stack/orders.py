"""How a command reaches the running launcher: a file with what is wanted, and one that grows with what becomes of it.

Files in the data folder, because everybody who may reach that folder may command its stack, and nobody else.
"""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data_folder import write_private

WANTED, SAID = ".wanted.json", ".said.jsonl"


@dataclass(frozen=True)
class Order:
    """One order, seen from either side."""

    folder: Path
    name: str

    def say(self, part: str, text: str) -> None:
        """Launcher: tell what happens."""
        self._add({"part": part, "text": text})

    def end(self, refusal: str = "") -> None:
        """Launcher: it is done, or why not."""
        self._add({"refusal": refusal})

    def _add(self, line: dict[str, str]) -> None:
        with (self.folder / f"{self.name}{SAID}").open("a") as handle:
            handle.write(json.dumps(line) + "\n")

    def said(self) -> list[dict[str, str]]:
        """Command: everything that was told so far."""
        try:
            text = (self.folder / f"{self.name}{SAID}").read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def forget(self) -> None:
        """Command: remove what is left of it."""
        for suffix in (WANTED, SAID):
            (self.folder / f"{self.name}{suffix}").unlink(missing_ok=True)


class Orders:
    """The orders of one running stack."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, a folder for this alone."""
        self._folder = folder

    def open(self) -> None:
        """Launcher: begin, without what an earlier launcher did not get to."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        for left in self._folder.iterdir():
            left.unlink()

    def give(self, wanted: dict[str, Any]) -> Order:
        """Command: ask for something."""
        order = Order(self._folder, secrets.token_hex(8))
        write_private(self._folder / f"{order.name}{WANTED}", json.dumps(wanted))
        return order

    def taken(self) -> Iterator[tuple[Order, dict[str, Any]]]:
        """Launcher: take what was asked for, each order once."""
        for name in sorted(name for name in os.listdir(self._folder) if name.endswith(WANTED)):  # noqa: PTH208 (ten times a second, for years)
            path = self._folder / name
            wanted = json.loads(path.read_text())
            path.unlink()
            yield Order(self._folder, name.removesuffix(WANTED)), wanted
