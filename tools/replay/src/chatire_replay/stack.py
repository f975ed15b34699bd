"""The running stack: its address, its gateways, and a way to make people. The launcher knows them, or the user says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from chatire_client import Account, Http
from chatire_replay.errors import ReplayError

ROOT = Path(__file__).resolve().parents[4]
LIMITS_ARE_ON = (
    "This stack has its limits on: hundreds of people from one address are turned away, as they should be.\n"
    "Start one for the replay: ./chatire up --limits off --data DIR --port N; then: ./chatire replay --data DIR FILE…"
)
_STATUS_SECONDS = 60
_MANAGE_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Person:
    """A user to be made."""

    username: str
    display_name: str


class Elsewhere:
    """A stack that no launcher of ours started: containers, or another machine."""

    def __init__(self, address: str, manage: Sequence[str]) -> None:
        """Reach it.

        Args:
            address: The origin that people open.
            manage: The command that runs auth's `manage.py` there; it is given more arguments, and people on stdin.
        """
        self.address = address
        self._manage = [*manage]

    def make_people(self, people: list[Person], http: Http) -> dict[str, Account]:
        """Make the users that do not exist yet, and sign all of them in; by username."""
        line = [*self._manage, "create_user", "--batch", "-", "--tokens"]
        return _made(_run(line, _MANAGE_SECONDS, _batch(people)), people, http)

    def kill_gateway(self, random: Random) -> str:
        """Not from here."""
        raise ReplayError("which processes there are is known of a stack of the launcher's only; kill by hand")


class Stack:
    """One local stack. Everything asked of it goes through `./chatire`, like a user would."""

    def __init__(self, data: Path | None, url: str | None) -> None:
        """Ask the launcher about the stack on `data` (its default when None).

        Raises: ReplayError.
        """
        self._data = ["--data", str(data)] if data else []
        status = self._status()
        if status["state"] == "stopped":
            raise ReplayError("nothing runs there. Start it first: ./chatire up --detach --limits off [--data DIR]")
        self.address = url or str(status["address"])
        self._require_no_limits(status)

    def _launcher(self, command: str, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, str(ROOT / "chatire"), command, *self._data, *arguments], seconds)

    def _status(self) -> dict[str, Any]:
        done = self._launcher("status", "--json", seconds=_STATUS_SECONDS)
        try:
            return dict(json.loads(done.stdout))
        except ValueError:
            raise ReplayError(f"`./chatire status --json` said nothing useful: {done.stderr.strip()}") from None

    def _require_no_limits(self, status: dict[str, Any]) -> None:
        if status.get("limits") != "off":
            raise ReplayError(LIMITS_ARE_ON)

    def make_people(self, people: list[Person], http: Http) -> dict[str, Account]:
        """Make the users that do not exist yet, and sign all of them in; by username."""
        with tempfile.TemporaryDirectory(prefix="chatire-replay-") as folder:
            batch = Path(folder) / "people.jsonl"
            batch.write_text(_batch(people))
            done = self._launcher(
                "manage", "auth", "create_user", "--batch", str(batch), "--tokens", seconds=_MANAGE_SECONDS
            )
        return _made(done, people, http)

    def kill_gateway(self, random: Random) -> str:
        """Kill one gateway process the hard way; its name. The launcher starts it again."""
        parts = self._status()["parts"]
        gateways = sorted(name for name in parts if name.startswith("gateway"))
        if not gateways:
            raise ReplayError("there is no gateway to kill")
        name: str = random.choice(gateways)
        os.kill(parts[name]["pid"], signal.SIGKILL)
        return name


def _run(line: list[str], seconds: int, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=seconds, check=False)


def _batch(people: list[Person]) -> str:
    return "".join(json.dumps(_as_user(person)) + "\n" for person in people)


def _as_user(person: Person) -> dict[str, str]:
    email = f"{person.username}@replay.invalid"
    return {"username": person.username, "email": email, "display_name": person.display_name}


def _made(done: subprocess.CompletedProcess[str], people: list[Person], http: Http) -> dict[str, Account]:
    """The accounts that `create_user` printed."""
    if done.returncode:
        raise ReplayError(f"`create_user` failed: {done.stderr.strip()}")
    accounts = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    made = {each["username"]: Account(http, each, each["access"], each["refresh"]) for each in accounts}
    missing = [person.username for person in people if person.username not in made]
    if missing:
        raise ReplayError(f"`create_user` left out {len(missing)} of {len(people)} people, {missing[0]} for one")
    return made
