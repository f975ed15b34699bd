"""Finds programs, first those that came as wheels into `.venv`, then the system's; and asks them their version."""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path


def wheel_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it (its import may start things)."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def on_path(*names: str) -> Path | None:
    """The first of these programs that PATH knows."""
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


def version_of(program: Path, question: str = "--version") -> str:
    """The version a program says it has, such as `18.6`; empty when it says none."""
    said = subprocess.run([program, question], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found.group() if found else ""
