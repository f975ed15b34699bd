"""Makes `.venv`: the locked requirements and this checkout's own packages. Standard library only; owns nothing else.

A stamp names the hash of each lock file that is installed, so that a second start does nothing here. A marker stands in
the folder while pip works: if it is found, the last installation was cut off and the folder is made anew.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import pythons
from .checkout import LAUNCHER, REQUIREMENTS, SOURCE_ROOTS, VENV, VENV_PYTHON, shown
from .console import Console
from .errors import LauncherError
from .turns import INSTALLING, one_at_a_time

STAMP = VENV / "chatire-installed.json"
MARKER = VENV / "chatire-installing"

# dev.txt was resolved as local.txt and more: whoever has it needs nothing else.
CONTAINED_IN = {"local": ("local", "dev"), "dev": ("dev",), "node": ("node",)}
BRINGS = {"local": ("local",), "dev": ("dev", "local"), "node": ("node",)}


def ensure(lock: str, console: Console) -> None:
    """Install the requirements of one lock file (`local`, `dev` or `node`) unless they are there already.

    Raises: LauncherError, when the environment cannot be made or pip fails.
    """
    if is_installed(lock):
        _name_own_packages()
        return
    with one_at_a_time(INSTALLING):
        if is_installed(lock):
            return
        _make_venv(console)
        with console.step("python", f"installing {shown(_lock_file(lock))}", "installed"):
            _pip_install(lock)


def is_installed(lock: str) -> bool:
    """Whether `.venv` holds exactly what the lock file names today."""
    try:
        if MARKER.exists() or not VENV_PYTHON.exists():
            return False
    except PermissionError as refused:
        message = f"cannot use {shown(VENV)}: {refused}. Run ./chatire as its owner, or from a copy of your own."
        raise LauncherError(message) from refused
    stamp = _read_stamp()
    return any(stamp.get(name) == _digest(_lock_file(name)) for name in CONTAINED_IN[lock])


def enter_venv() -> None:
    """Go on as `.venv`'s Python: from here on, the installed packages may be imported."""
    if Path(sys.prefix).resolve() == VENV.resolve():
        return
    sys.stdout.flush()
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), str(LAUNCHER), *sys.argv[1:]])  # noqa: S606 - no shell is the point


def _lock_file(lock: str) -> Path:
    return REQUIREMENTS / f"{lock}.txt"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def _make_venv(console: Console) -> None:
    if VENV.exists() and (MARKER.exists() or not _python_works()):
        console.part("python", "the last installation was not finished: starting over")
        shutil.rmtree(VENV)
    if not VENV.exists():
        _create_venv(pythons.choose(console))


def _python_works() -> bool:
    try:
        asked = subprocess.run([VENV_PYTHON, "-m", "pip", "--version"], capture_output=True, check=False)
    except OSError:
        return False
    return asked.returncode == 0


def _create_venv(makers: list[Path]) -> None:
    """Make it with the first of these Pythons that can."""
    tools = (["venv"], ["virtualenv", "--quiet"])
    tries = [[str(maker), "-m", *tool, str(VENV)] for maker in makers for tool in tools]
    said = []
    for command in tries:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode == 0:
            return
        said.append((made.stdout + made.stderr).strip())
        # Debian's Python without python3-venv leaves a folder without pip behind.
        shutil.rmtree(VENV, ignore_errors=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    message = (
        f"cannot make a virtual environment with {makers[0]}:\n{said[0]}\n"
        f"On Debian or Ubuntu: apt install python{version}-venv. "
        "Without root: python3 -m pip install --user virtualenv. Then run the same command again."
    )
    raise LauncherError(message)


def _pip_install(lock: str) -> None:
    MARKER.touch()
    command: list[str | Path] = [
        VENV_PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--require-hashes", "-r", _lock_file(lock)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise LauncherError(_why_pip_failed(done.stdout))
    _name_own_packages()
    digests = {name: _digest(_lock_file(name)) for name in BRINGS[lock]}
    STAMP.write_text(json.dumps(_read_stamp() | digests, indent=2) + "\n")
    MARKER.unlink()


def _why_pip_failed(output: str) -> str:
    # pip also warns at length about indexes it skipped; only its errors say why it stopped.
    lines = [line for line in output.splitlines() if not line.startswith("WARNING")]
    return (
        "pip could not install the requirements:\n  " + "\n  ".join(lines[-12:]) + "\n"
        "Check the network (or pip's own configuration of index and proxy), then run the same command again."
    )


def _name_own_packages() -> None:
    """Let `.venv` import this checkout's packages from where they are now: a checkout may be moved or grow folders."""
    path = next((VENV / "lib").glob("python3.*/site-packages")) / "chatire.pth"
    text = "".join(f"{root}\n" for root in SOURCE_ROOTS)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
