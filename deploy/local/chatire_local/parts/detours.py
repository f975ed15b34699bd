"""What a test changes in the environment of single parts: `CHATIRE_PARTS_FILE` names a JSON file, `{part: {name: value}}`.

A value `@host:port` stands for the address that the part would get, but reached through there: a line that can be cut for
one part alone. Several addresses take as many, separated by spaces.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

FILE_NAME = "CHATIRE_PARTS_FILE"


def detoured(part: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a part, with what the file says about it; as it is when there is no file."""
    path = os.environ.get(FILE_NAME)
    changes: dict[str, str] = json.loads(Path(path).read_text()).get(part, {}) if path else {}
    return {**environment, **{name: _changed(environment.get(name, ""), value) for name, value in changes.items()}}


def _changed(address: str, value: str) -> str:
    if not value.startswith("@"):
        return value
    pairs = zip(address.split(" "), value.split(" "), strict=True)
    return " ".join(_led_through(url, detour.removeprefix("@")) for url, detour in pairs)


def _led_through(url: str, detour: str) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}{at}{detour}").geturl()
