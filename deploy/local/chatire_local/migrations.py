"""Brings the databases up to date, and skips it when nothing can have changed: Django needs a second to find out."""

import hashlib
import json
import sys
from contextlib import closing
from pathlib import Path

import psycopg2

from .checkout import REQUIREMENTS, ROOT, manage_py
from .console import Console
from .data_folder import DataFolder, write_private
from .errors import LauncherError
from .stack.errands import Errands


class Migrations:
    """The migrations of one stack.

    What was applied is remembered as two hashes: of the files that decide it, and of the rows Django keeps in the
    database itself. So one that was restored from a backup, or swapped for another, is never taken for current.
    """

    def __init__(self, data: DataFolder, errands: Errands, console: Console) -> None:
        """Read nothing yet."""
        self._data = data
        self._errands = errands
        self._console = console

    def apply(self, service: str, url: str, environment: dict[str, str]) -> None:
        """Apply what is missing in one service's database."""
        files = _files_digest(service)
        if self._read_stamp(service) == {"files": files, "rows": _rows_digest(url)}:
            return
        with self._console.step(service, "migrating its database", "migrated"):
            # Django's checks load every view, for half a second of CPU; `./chatire check` has made them.
            run_manage(self._errands, service, environment, "migrate", "--no-input", "--skip-checks")
        rows = _rows_digest(url)
        if rows:
            write_private(self._stamp_file(service), json.dumps({"files": files, "rows": rows}))

    def _stamp_file(self, service: str) -> Path:
        return self._data.path / f"migrated-{service}.json"

    def _read_stamp(self, service: str) -> dict[str, str]:
        try:
            return dict(json.loads(self._stamp_file(service).read_text()))
        except (OSError, ValueError):
            return {}


def run_manage(errands: Errands, service: str, environment: dict[str, str], *arguments: str) -> None:
    """Run one management command of a service.

    Raises: LauncherError, when it fails, with the end of what it said.
    """
    done = errands.run([sys.executable, manage_py(service), *arguments], environment, ROOT)
    if done.code != 0:
        raise LauncherError(f"`manage.py {' '.join(arguments)}` of {service} failed:\n{done.tail(15)}")


def _files_digest(service: str) -> str:
    """A hash of all that decides which migrations there are: our own files, the settings, the packages."""
    digest = hashlib.sha256((REQUIREMENTS / f"{service}.txt").read_bytes())
    folders = (ROOT / "services" / service / "src", ROOT / "shared" / "src")
    patterns = ("**/migrations/*.py", "**/settings.py", "**/apps.py")
    for path in sorted({path for folder in folders for pattern in patterns for path in folder.glob(pattern)}):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _rows_digest(url: str) -> str:
    """A hash of the migrations the database says it has; empty when it has none or cannot be asked."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=5)) as database, database.cursor() as cursor:
            cursor.execute("SELECT to_regclass('django_migrations')")
            if cursor.fetchone() == (None,):
                return ""
            cursor.execute("SELECT app, name, applied FROM django_migrations ORDER BY id")
            return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
    except psycopg2.Error:
        return ""
