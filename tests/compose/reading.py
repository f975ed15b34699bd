"""Which environment variables a service reads: the names in its calls of `chatire_shared.conf`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from composition import ROOT

_READERS = {"text", "integer", "switch", "words", "secret_file"}
_LINE = re.compile(r"^(#?)([A-Z][A-Z0-9_]*)=", re.MULTILINE)


def names_read(service: str) -> dict[str, bool]:
    """The names, and whether each must be set."""
    roots = (ROOT / "services" / service / "src", ROOT / "shared" / "src" / "chatire_shared")
    found: dict[str, bool] = {}
    for root in roots:
        for path in root.rglob("*.py"):
            if "testing" not in path.parts:
                found |= dict(_reads(path))
    return found


def _reads(path: Path) -> Iterator[tuple[str, bool]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        owner, method, name = node.func.value.id, node.func.attr, node.args[0].value
        if owner == "env" and method in _READERS:
            must = method in {"text", "secret_file"} and len(node.args) + len(node.keywords) == 1
            yield name, must
        elif (owner, method) == ("databases", "postgresql"):
            yield name, True


def examples(path: Path) -> dict[str, bool]:
    """The names in an example, and whether each is set rather than offered behind a `#`."""
    return {name: not hashed for hashed, name in _LINE.findall(path.read_text())}


def meant(name: str, known: dict[str, bool]) -> str:
    """The setting that a variable sets: `NAME_FILE` may stand for `NAME`."""
    return name if name in known else name.removesuffix("_FILE")
