"""What a random campaign can't show: one hard situation each, with its figures and its bars. `./chatire verify --scenario`.

A scenario is a module here with a function `run(setting) -> Report`; its name on the command line is the module's with
dashes.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from chatire_faults.scenarios.scenario import Report, Setting

__all__ = ["Report", "Setting", "find", "names"]

_NOT_ONE = frozenset({"scenario"})


def names() -> list[str]:
    """All scenarios, as they are called on the command line."""
    modules = (found.name for found in iter_modules(__path__))
    return sorted(name.replace("_", "-") for name in modules if name not in _NOT_ONE and not name.startswith("_"))


def find(name: str) -> Callable[[Setting], Report]:
    """The scenario called `name`."""
    run: Callable[[Setting], Report] = import_module(f"{__name__}.{name.replace('-', '_')}").run
    return run
