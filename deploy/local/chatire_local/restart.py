"""`./chatire restart`: asks the running launcher to restart parts, and shows what becomes of it."""

import re
import time
from pathlib import Path
from typing import Any

from . import processes
from .checkout import ROOT, SERVICES, shown
from .console import Console
from .data_folder import DataFolder
from .errors import LauncherError, UsageError
from .parts.builds import Build
from .stack.orders import Order, Orders

LOOK_EVERY_SECONDS = 0.1
# The relay is a part of the messages service.
SOURCES = {name: name for name in SERVICES} | {"relay": "messages"}


def restart_parts(path: Path, names: list[str], source: Path | None, settings: list[str], console: Console) -> int:
    """Restart parts one after the other; returns when each is ready again.

    Raises: LauncherError, when nothing runs there, or a part does not become ready: those after it were left alone.
    """
    data = DataFolder(path)
    run = _running(data)
    parts = [part for name in names for part in _meant(name, run["parts"])]
    root = source.resolve() if source else ROOT
    chosen = dict(map(_setting, settings))
    for part in parts:
        _refuse_what_cannot_be(part, Build(root, chosen))
    wanted = {"parts": list(dict.fromkeys(parts)), "source": str(root), "settings": chosen}
    order = Orders(data.orders).give(wanted)
    try:
        _follow(order, run["launcher"], console)
    finally:
        order.forget()
    return 0


def _running(data: DataFolder) -> dict[str, Any]:
    run = data.read_run()
    if not run or not processes.is_alive(run["launcher"]["pid"], run["launcher"]["since"]):
        raise LauncherError(f"nothing runs on {shown(data.path)}. Start it with {data.command('up')}")
    if run["state"] != "ready":
        raise LauncherError(f"the stack is {run['state']}; only one that is ready can be restarted.")
    return run


def _meant(name: str, parts: dict[str, Any]) -> list[str]:
    """The parts that a word stands for: one, or all instances of a service."""
    found = [part for part in parts if part == name or _service(part) == name]
    if not found:
        raise UsageError(f"there is no part called {name}. Parts: {', '.join(parts)}")
    return found


def _service(part: str) -> str:
    return re.sub(r"-\d+$", "", part)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("CHATIRE_"):
        raise UsageError(f"{text} is no setting: give CHATIRE_NAME=VALUE (docs/internal.md lists them).")
    return name, value


def _refuse_what_cannot_be(part: str, build: Build) -> None:
    source = SOURCES.get(_service(part))
    if source:
        build.require_service(source)
    elif build != Build():
        raise UsageError(f"{part} is not one of our services: it has neither other sources nor settings.")


def _follow(order: Order, launcher: dict[str, Any], console: Console) -> None:
    seen = 0
    while True:
        alive = processes.is_alive(launcher["pid"], launcher["since"])
        said = order.said()
        for line in said[seen:]:
            if "refusal" not in line:
                console.part(line["part"], line["text"])
            elif line["refusal"]:
                raise LauncherError(f"{line['refusal']}\nWhat comes after it was left alone.")
            else:
                return
        seen = len(said)
        if not alive:
            raise LauncherError("the launcher has ended meanwhile.")
        time.sleep(LOOK_EVERY_SECONDS)
