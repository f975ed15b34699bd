"""What a service is made of: this checkout, or another tree of Chatire's sources (an older version, a fix under trial)."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chatire_shared import __version__

from ..checkout import ROOT, shown, sources_of
from ..errors import UsageError

_VERSION = re.compile(r'^__version__ = "([^"]+)"', re.MULTILINE)


@dataclass(frozen=True)
class Build:
    """Sources in a tree like this checkout, with settings of their own; run by our `.venv`."""

    root: Path = ROOT
    settings: Mapping[str, str] = field(default_factory=dict)

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told beside what this stack tells all."""
        if self.root == ROOT:
            return dict(self.settings)
        # Before the paths of this checkout, which `.venv` knows by itself.
        return {"PYTHONPATH": os.pathsep.join(map(str, sources_of(service, self.root))), **self.settings}

    @property
    def version(self) -> str:
        """What the tree calls itself."""
        if self.root == ROOT:
            return __version__
        found = _VERSION.search((self.root / "shared/src/chatire_shared/__init__.py").read_text())
        return f"{found[1] if found else 'unknown'} from {shown(self.root)}"

    def require_service(self, service: str) -> None:
        """Refuse a tree that has no such service.

        Raises: UsageError.
        """
        missing = [path for path in sources_of(service, self.root) if not path.is_dir()]
        if missing:
            raise UsageError(f"{shown(self.root)} holds no sources of {service}: there is no {shown(missing[0])}.")
