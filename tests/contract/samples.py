"""One sample of everything on the wire, shared by the codecs of all languages: `samples/*.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "samples"


def _read(name: str) -> list[dict[str, Any]]:
    return list(json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8")))


EVENTS = _read("events")
SERVER_FRAMES = _read("server_frames")
CLIENT_FRAMES = _read("client_frames")
