"""Where things are in this checkout. Knows paths only: nothing here touches the disk."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "chatire"
LOCAL = ROOT / "deploy" / "local"
BENCH = ROOT / "bench" / "src"
REQUIREMENTS = ROOT / "deploy" / "requirements"
CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
WEB = ROOT / "web"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
DEFAULT_DATA = ROOT / "var"

SERVICES = ("auth", "messages", "gateway")
TOOLS = ("client", "replay", "faults")

# Everything that is imported at run time or by a tool, in the order Python looks it up.
SOURCE_ROOTS = (
    ROOT / "shared" / "src",
    *(ROOT / "services" / service / "src" for service in SERVICES),
    *(ROOT / "tools" / tool / "src" for tool in TOOLS),
    BENCH,
    LOCAL,
)


def manage_py(service: str, root: Path = ROOT) -> Path:
    """The `manage.py` of one service."""
    return root / "services" / service / "manage.py"


def sources_of(service: str, root: Path) -> tuple[Path, ...]:
    """What one service imports, in a tree like this one."""
    return root / "shared" / "src", root / "services" / service / "src"


def shown(path: Path) -> str:
    """A path as the user would type it: relative to where they are when that is shorter."""
    for base in (Path.cwd(), ROOT):
        if path.is_relative_to(base):
            return str(path.relative_to(base)) or "."
    return str(path)
