"""The sources of an earlier commit, to run services from."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from chatire_faults.errors import FaultsError
from chatire_faults.stack import ROOT

FROM = "CHATIRE_VERSIONS_FROM"
SERVICES = ("auth", "messages", "gateway")
_URLS = "CHATIRE_AUTH_URL", "CHATIRE_MESSAGES_URL"

_SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Python learned it with 3.11.4. It is said where it is known; what is unpacked is our own history."""


def earlier_commit() -> str:
    """What `CHATIRE_VERSIONS_FROM` names; else the newest tag; else the commit before the newest.

    Raises: FaultsError, when this checkout does not have it.
    """
    wanted = os.environ.get(FROM) or _git("describe", "--tags", "--abbrev=0") or "HEAD~1"
    found = _git("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}")
    if not found:
        shallow = _git("rev-parse", "--is-shallow-repository") == "true"
        why = "this clone is shallow (git fetch --unshallow)" if shallow else "this is no clone of Chatire's history"
        raise FaultsError(f"there is no commit {wanted} here: {why}. {FROM} names another one.")
    return found


def _git(*arguments: str) -> str:
    """What git says; nothing when it can't."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A tree of sources as they were."""

    commit: str
    tree: Path

    @classmethod
    def unpacked(cls, commit: str, folder: Path) -> Earlier:
        """The sources of `commit`, in `folder`.

        Raises: FaultsError.
        """
        done = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=False)
        if done.returncode:
            raise FaultsError(f"git archive {commit} failed: {done.stderr.decode(errors='replace')}")
        with tarfile.open(fileobj=BytesIO(done.stdout)) as packed:
            packed.extractall(folder, **_SAFELY)  # noqa: S202 (a commit of ours)
        return cls(commit, folder)

    @property
    def leaves_gently(self) -> bool:
        """Whether its HTTP services can be restarted without failing requests."""
        return (self.tree / "shared/src/chatire_shared/serving/worker.py").exists()

    @property
    def other_requirements(self) -> list[str]:
        """Services that want other packages than are installed here; they run with those nevertheless."""
        return [service for service in SERVICES if self._requirements(service) != _text(ROOT, service)]

    def settings(self, addresses: dict[str, list[str]]) -> dict[str, str]:
        """What it must be told otherwise than a service of today: it may know one base URL of a service only."""
        if (self.tree / "shared/src/chatire_shared/clients/bases.py").exists():
            return {}
        firsts = (addresses["auths"][0], addresses["messages"][0])
        return {name: f"http://{first}" for name, first in zip(_URLS, firsts, strict=True)}

    def _requirements(self, service: str) -> str:
        return _text(self.tree, service)


def _text(root: Path, service: str) -> str:
    return (root / "deploy" / "requirements" / f"{service}.txt").read_text()
