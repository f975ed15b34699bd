"""Looks for what must not be committed: addresses of package registries, and paths of the machine somebody works on.

Run as `python -m chatire_local.leaks`; reads the files git tracks or would add.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from .checkout import ROOT

# Written so that no pattern finds itself.
REGISTRY = re.compile(
    r"https?://[\w.:@-]*(?:py[p]i|pythonh[o]sted|npmj[s]|yarnp[k]g|registry\.npm)[\w.:-]*|\"resolved\": *\"https?:"
)
HOME = re.compile(r"/(?:home|Users)/[\w.-]+/|/root/[\w.]|\.\./shar[e]d\b")


def main() -> int:
    """Print each finding as `file:line: text`; 1 if there is any."""
    found = [f"{path}:{number}: {text.strip()[:160]}" for path, number, text in _findings()]
    sys.stdout.write("".join(f"{line}\n" for line in found))
    return 1 if found else 0


def _findings() -> Iterator[tuple[Path, int, str]]:
    for path in _files():
        try:
            lines = (ROOT / path).read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        for number, line in enumerate(lines, start=1):
            if REGISTRY.search(line) or HOME.search(line) or _names_this_machine(line):
                yield path, number, line


def _names_this_machine(line: str) -> bool:
    """Whether a line holds the place of this very checkout, or of the home folder of who runs the check."""
    places = {str(ROOT), str(Path.home())}
    # A home of `/` or `/root` would be found everywhere, in other senses.
    return any(place in line for place in places if place.count("/") > 1)


def _files() -> list[Path]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        sys.stdout.write("no git checkout: nothing would be committed from here\n")
        return []
    return [Path(name) for name in listed.decode().split("\0") if name]


if __name__ == "__main__":
    sys.exit(main())
