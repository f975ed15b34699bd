"""Makes what the bench needs once and keeps it under `var/bench/`: the load generator, the peers' packages."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from chatire_bench.errors import BenchError, Missing
from chatire_bench.places import KEPT, LOADGEN, NODE_PEERS, REQUIREMENTS

Tell = Callable[[str], None]
_DIGITS = 16
_OLDEST_NODE = 18


def load_generator(kept: Path = KEPT) -> list[str]:
    """The command of the load generator: compiled when there is a C compiler, else the one in Python."""
    sources = sorted(LOADGEN.glob("*.c"))
    program = kept / f"loadgen-{_digest([*sources, *LOADGEN.glob('*.h')])}"
    if program.exists():
        return [str(program)]
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return [sys.executable, "-m", "chatire_bench.loadgen_in_python"]
    kept.mkdir(parents=True, exist_ok=True)
    half = kept / f"loadgen-{os.getpid()}.new"
    _run([compiler, "-O2", "-std=gnu11", "-o", str(half), *map(str, sources)], "the load generator does not compile")
    half.replace(program)
    return [str(program)]


def python_peers(tell: Tell, kept: Path = KEPT) -> Path:
    """The Python of a virtual environment with the Python peers' packages; the same Python that ours runs on."""
    folder = kept / "venv"
    stamp, wanted = folder / "installed", f"{_digest([REQUIREMENTS])} {sys.base_prefix} {sys.version}"
    if not stamp.exists() or stamp.read_text() != wanted:
        tell("installing the Python peers' packages …")
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)], "no virtual environment can be made")
        options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes"]
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", *options]
        _run([*pip, "-r", str(REQUIREMENTS)], "pip could not install the peers' packages")
        stamp.write_text(wanted)
    return folder / "bin" / "python"


def node_peers(tell: Tell) -> Path:
    """The folder of the Node peers, their packages installed.

    Raises: Missing, where there is no Node or npm.
    """
    if not shutil.which("node") or not shutil.which("npm"):
        raise Missing("there is no Node with npm on this machine")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < _OLDEST_NODE:
        raise Missing(f"Node {version.strip()} is older than {_OLDEST_NODE}")
    stamp, wanted = NODE_PEERS / "node_modules" / ".installed", _digest([NODE_PEERS / "package-lock.json"])
    if not stamp.exists() or stamp.read_text() != wanted:
        tell("installing the Node peers' packages …")
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], "npm ci failed", NODE_PEERS)
        stamp.write_text(wanted)
    return NODE_PEERS


def _run(command: list[str], failure: str, folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("WARNING")]
        raise BenchError(f"{failure}:\n" + "\n".join(lines[-12:]))


def _digest(paths: Iterable[Path]) -> str:
    """Of names and contents: a file that is renamed is another one."""
    text = b"".join(path.name.encode() + b"\0" + path.read_bytes() for path in sorted(paths))
    return hashlib.sha256(text).hexdigest()[:_DIGITS]
