"""docker-compose.yml and the Dockerfiles as they are written; no engine is asked."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
SERVICES = ("auth", "messages", "gateway")
DOCKERFILES = (
    *(ROOT / "services" / name / "Dockerfile" for name in SERVICES),
    ROOT / "web" / "Dockerfile",
    ROOT / "deploy" / "images" / "setup.Dockerfile",
)
_DEFAULT = re.compile(r"\$\{(\w+):-((?:[^{}]|\{[^{}]*\})*)\}")


@cache
def composition() -> dict[str, Any]:
    """The whole file."""
    return dict(yaml.safe_load(COMPOSE_FILE.read_text()))


def parts() -> dict[str, dict[str, Any]]:
    """Compose's services by name."""
    return dict(composition()["services"])


def serving() -> dict[str, dict[str, Any]]:
    """Those that keep running."""
    return {name: part for name, part in parts().items() if part["restart"] != "no"}


def once() -> dict[str, dict[str, Any]]:
    """Those that do something and are done."""
    return {name: part for name, part in parts().items() if part["restart"] == "no"}


def networks(part: dict[str, Any]) -> set[str]:
    """The names of the networks a part is on."""
    return set(part.get("networks", ()))


def mounts(part: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Source, target and whether it may be written to, of every volume of a part."""
    return [_mount(entry) for entry in part.get("volumes", ())]


def _mount(entry: str | dict[str, Any]) -> tuple[str, str, bool]:
    if isinstance(entry, dict):
        return entry["source"], entry["target"], not entry.get("read_only", False)
    source, target, *mode = entry.split(":")
    return source, target, mode != ["ro"]


def plain(text: str) -> str:
    """A value with the defaults of its variables put in."""
    while (filled := _DEFAULT.sub(r"\2", text)) != text:
        text = filled
    return text


def seconds(text: str) -> int:
    """A duration as the file writes it."""
    return int(text.removesuffix("s"))
