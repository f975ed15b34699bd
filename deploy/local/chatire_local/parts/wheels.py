"""Finds programs: first those that came as Python wheels into `.venv`, then those of the system."""

import importlib.util
import shutil
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
