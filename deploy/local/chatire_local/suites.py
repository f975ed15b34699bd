"""The table of all test suites: where each is, and what has to run for it."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .checkout import ROOT


class Needs(Enum):
    """What a suite wants around it."""

    NOTHING = "nothing"
    SERVERS = "servers"  # PostgreSQL and Valkey of its own
    STACK = "stack"  # a whole running Chatire
    QUIET = "quiet"  # stacks of its own, and nothing else going on beside them


@dataclass(frozen=True)
class Suite:
    """One process of a test program."""

    name: str
    folder: Path
    needs: Needs
    in_javascript: bool = False

    @property
    def exists(self) -> bool:
        """Whether this checkout has any test of it."""
        patterns = ("**/*.test.ts", "**/*.spec.ts") if self.in_javascript else ("**/test_*.py",)
        return any(found for pattern in patterns for found in self.folder.glob(pattern))


# Those that take longest come first.
SUITES = (
    Suite("launcher", ROOT / "tests" / "launcher", Needs.NOTHING),
    Suite("gateway", ROOT / "services" / "gateway" / "tests", Needs.SERVERS),
    Suite("e2e", ROOT / "tests" / "e2e", Needs.STACK),
    Suite("browser", ROOT / "tests" / "browser", Needs.STACK),
    Suite("replay", ROOT / "tools" / "replay" / "tests", Needs.STACK),
    Suite("shared", ROOT / "shared" / "tests", Needs.SERVERS),
    Suite("auth", ROOT / "services" / "auth" / "tests", Needs.SERVERS),
    Suite("messages", ROOT / "services" / "messages" / "tests", Needs.SERVERS),
    Suite("contract", ROOT / "tests" / "contract", Needs.SERVERS),
    Suite("compose", ROOT / "tests" / "compose", Needs.NOTHING),
    Suite("client", ROOT / "tools" / "client" / "tests", Needs.NOTHING),
    Suite("bench", ROOT / "bench" / "tests", Needs.NOTHING),
    Suite("web", ROOT / "web" / "tests", Needs.NOTHING, in_javascript=True),
    Suite("faults", ROOT / "tests" / "faults", Needs.QUIET),
    Suite("scenarios", ROOT / "tests" / "scenarios", Needs.QUIET),
    Suite("crowds", ROOT / "tests" / "crowds", Needs.QUIET),
)


def names() -> list[str]:
    """What `./chatire test` can be given."""
    return [suite.name for suite in SUITES]
