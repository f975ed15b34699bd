"""Where things are in this checkout. Knows paths only: nothing here touches the disk."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "chatire"
LOCAL = ROOT / "deploy" / "local"
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
    LOCAL,
)


def manage_py(service: str) -> Path:
    """The `manage.py` of one service."""
    return ROOT / "services" / service / "manage.py"


def shown(path: Path) -> str:
    """A path as the user would type it: relative to where they are when that is shorter."""
    for base in (Path.cwd(), ROOT):
        if path.is_relative_to(base):
            return str(path.relative_to(base)) or "."
    return str(path)
