"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from chatire_bench.places import ROOT

PACKAGES = ("daphne", "channels", "channels_redis", "Twisted", "uvloop", "Django", "gunicorn", "hiredis")


def facts() -> dict[str, str]:
    """The machine, the versions, the commit."""
    load = os.getloadavg()[0]
    return {
        "cpu": _cpu_name(),
        "cores": str(os.cpu_count()),
        "memory_gib": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f}",
        "kernel": platform.release(),
        "load_before": f"{load:.2f}",
        "python": platform.python_version(),
        "node": _said(["node", "--version"]),
        "compiler": _said(["cc", "--version"]).split("\n")[0],
        "commit": _commit(),
        **{f"{name.lower()}": _version(name) for name in PACKAGES},
    }


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _commit() -> str:
    commit = _said(["git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD"])
    changed = _said(["git", "-C", str(ROOT), "status", "--porcelain"])
    return f"{commit}{' with changes' if changed else ''}"


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
