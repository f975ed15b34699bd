"""Which Python `.venv` is made of. A machine often has two of the same version, and one of them is a fifth slower.

Distributions and python.org build with profile-guided optimisation, `pyenv` by default without. Measured side by side
(Debian's 3.11.2 against pyenv's 3.11.7, medians of three; `bench durable connections`' phases): a message under load took
13 % less CPU of all processes, one of a quiet system 16 % less and was acknowledged 17 % sooner, a handshake took 14 to 24 %
less. A build doesn't say how it was made in a way that can be relied on, so it is asked to show it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .console import Console
from .errors import LauncherError

CHOICE = "CHATIRE_PYTHON"
"""The variable that names the Python to use, whatever is faster."""

OLDEST = (3, 11)
DEFAULT = "python3"
WORTH_IT = 1.15
"""So many times as long must ours take. A build came to 0.88 to 1.08 of itself (ten times), pyenv's to 1.6 to 1.9 of Debian."""

_ASK_SECONDS = 20.0
_ROUNDS = 5
_SHOW = """
import json, sys, time
def work(n):
    class Box:
        __slots__ = ("value",)
        def __init__(self, value): self.value = value
        def grown(self): return self.value + 1
    seen, total = {}, 0
    for i in range(n):
        total += Box(i).grown()
        seen[i & 255] = f"{i}:{total}"
        row = [1, 2, 3]; row.append(i)
    return total
def once():
    began = time.process_time(); work(20_000); return time.process_time() - began
print(json.dumps([sys.executable, sys.implementation.name, sys.version_info[:3], min(once() for _ in range(5))]))
"""


class Shown(NamedTuple):
    """What one Python said of itself.

    Attributes:
        executable: Its file.
        kind: `cpython`, or another implementation.
        version: Its three numbers.
        seconds: CPU seconds of a small task.
    """

    executable: Path
    kind: str
    version: tuple[int, ...]
    seconds: float

    def is_like(self, mine: "Shown") -> bool:
        """Whether it could stand in for `mine`: another Python (a shim leads to `mine` itself), but of the same version."""
        return self.executable != mine.executable and (self.kind, self.version[:2]) == (mine.kind, mine.version[:2])

    def __str__(self) -> str:
        return f"{self.executable} ({'.'.join(map(str, self.version))})"


def choose(console: Console) -> list[Path]:
    """The Pythons to make `.venv` of, the first that can: what `CHATIRE_PYTHON` names, else what this runs on.

    When that is just what `python3` means on this PATH, nobody has chosen it: then the fastest `python3` of the same version
    (3.11, 3.12, …) on the PATH comes first.

    Raises: LauncherError, when what is named can't be used.
    """
    named = os.environ.get(CHOICE)
    if named:
        return [_usable(named)]
    own = Path(sys.executable)
    others = _others(own) if _is_default(own) else []
    mine = _ask(own) if others else None
    if mine is None:
        return [own]
    alike = [one for one in map(_ask, others) if one is not None and one.is_like(mine)]
    longer, fastest = max(((_times_as_long(mine, one), one) for one in alike), default=(1.0, mine))
    if longer < WORTH_IT:
        return [own]
    console.part("python", f"using {fastest}: {mine} takes {longer:.1f} times as long for the same work")
    return [fastest.executable, own]


def _times_as_long(mine: Shown, other: Shown) -> float:
    """How long `mine` takes for what takes `other` 1; both asked in turns, since a machine's speed changes by the second."""
    rounds = [(_ask(mine.executable), _ask(other.executable)) for _ in range(_ROUNDS)]
    ratios = [one.seconds / two.seconds for one, two in rounds if one and two]
    return median(ratios) if ratios else 1.0


def _usable(named: str) -> Path:
    found = shutil.which(named)
    asked = _ask(Path(found)) if found else None
    if asked is None:
        raise LauncherError(f"{CHOICE} names {named}, which is no Python that runs here. Name another, or unset it.")
    if asked.version[:2] < OLDEST:
        raise LauncherError(f"{CHOICE} names {asked}; Chatire needs Python 3.11 or newer. Name another, or unset it.")
    return asked.executable


def _is_default(own: Path) -> bool:
    found = shutil.which(DEFAULT)
    asked = _ask(Path(found)) if found else None
    return asked is not None and asked.executable == own


def _others(own: Path) -> list[Path]:
    """Each `python3` on the PATH that is another file than `own`."""
    found: dict[Path, Path] = {}
    for folder in os.get_exec_path():
        path = Path(folder, DEFAULT)
        if os.access(path, os.X_OK) and path.resolve() != own.resolve():
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _ask(python: Path) -> Shown | None:
    try:
        said = subprocess.run([python, "-I", "-c", _SHOW], capture_output=True, timeout=_ASK_SECONDS, check=True).stdout
        executable, kind, version, seconds = json.loads(said)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Shown(Path(executable), kind, tuple(version), seconds)
