"""What the figures were measured on."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import PackageNotFoundError, version

from chatire_faults import machine

PACKAGES = ("daphne", "channels", "channels_redis", "Twisted", "uvloop", "Django", "gunicorn", "hiredis")


def facts() -> dict[str, str]:
    """The machine and the commit, how busy it was before, the versions of what is measured."""
    return {
        **machine.facts(),
        "load_before": f"{os.getloadavg()[0]:.2f}",
        "node": _said(["node", "--version"]),
        "compiler": _said(["cc", "--version"]).split("\n")[0],
        **{f"{name.lower()}": _version(name) for name in PACKAGES},
    }


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
