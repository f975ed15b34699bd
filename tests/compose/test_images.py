"""The Dockerfiles: one pattern, locked, nobody's root, nothing in them that does not belong there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from composition import DOCKERFILES, ROOT, SERVICES, parts


def instructions(path: Path) -> list[str]:
    """The lines that do something, continued ones joined."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def shape(service: str) -> list[str]:
    """A service's Dockerfile without its names and numbers."""
    text = "\n".join(instructions(ROOT / "services" / service / "Dockerfile"))
    text = text.replace(f"services/{service}/gunicorn.conf.py ", "").replace(service, "SERVICE")
    text = re.sub(r"\s*&& install -d .* /var/lib/chatire/SERVICE-keys", "", text)
    text = re.sub(r'^CMD \[.*"(gunicorn|python)".*$', "CMD", text, flags=re.MULTILINE)
    return re.sub(r"1000\d", "UID", re.sub(r"800\d", "PORT", text)).splitlines()


def test_the_services_share_one_pattern() -> None:
    assert shape("auth") == shape("messages") == shape("gateway")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_image_is_locked_labelled_and_runs_as_nobody_special(path: Path) -> None:
    lines = instructions(path)
    text = "\n".join(lines)
    bases = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert all(re.fullmatch(r"\$\{\w+_IMAGE\}", base) for base in bases)
    assert len(bases) == 2
    for tag in re.findall(r"^ARG \w+_IMAGE=(\S+)", text, re.MULTILINE):
        assert re.fullmatch(r"[a-z/]+:\d[\w.-]*", tag), f"{tag} may be anything tomorrow"
    last = text[text.rindex("FROM") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert 'image.version="$VERSION"' in last
    assert 'image.revision="$REVISION"' in last
    assert not re.search(r"\b(curl|wget|apt-get|apk)\b|^ADD ", text, re.MULTILINE)
    for install in re.findall(r"\binstall --no-cache-dir.*", text):
        assert "--require-hashes --only-binary :all:" in install
    assert "npm install" not in text
    assert "--ignore-scripts" in text or "npm" not in text


@pytest.mark.parametrize(("service", "port"), list(zip(SERVICES, (8001, 8002, 8003), strict=True)))
def test_an_image_and_compose_agree(service: str, port: int) -> None:
    text = (ROOT / "services" / service / "Dockerfile").read_text()
    assert f"USER {parts()[service]['user']}\n" in text
    assert f"EXPOSE {port}\n" in text
    assert parts()[service]["healthcheck"]["test"] == ["CMD", "python", "-I", "healthy.py", str(port)]
    assert f'CMD ["python", "-I", "healthy.py", "{port}"]' in text


def test_what_is_handed_out_is_open_to_the_group_of_its_reader() -> None:
    text = (ROOT / "deploy" / "images" / "setup.Dockerfile").read_text()
    folders = {
        folder: group
        for group, names in re.findall(r"-o 10000 -g (\d+) -m 2750 ((?:/handed/[\w-]+ ?)+)", text)
        for folder in names.split()
    }
    readers = {name: name for name in ("auth", "messages", "relay", "gateway", "redis", "postgres")}
    readers |= {f"{service}-owner": f"{service}-migrations" for service in ("auth", "messages")}
    assert folders == {f"/handed/{name}": parts()[reader]["user"].split(":")[1] for name, reader in readers.items()}


def sources() -> list[Path]:
    """The modules that images are made of."""
    roots = [ROOT / "shared" / "src", *(ROOT / "services" / name / "src" for name in SERVICES)]
    return [path for root in roots for path in root.rglob("*.py") if "testing" not in path.parts]


def imported(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def test_what_tests_use_is_in_no_image_and_nothing_in_an_image_needs_it() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert lines.index("shared/src/chatire_shared/testing") > lines.index("!shared/src")
    users = {path.name for path in sources() if any("testing" in name.split(".") for name in imported(path))}
    assert users == set(), "they would not start"


def test_nothing_enters_a_build_but_what_is_named() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    named = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert named
    for name in named:
        assert list(ROOT.glob(name)), name
        assert not name.startswith(("var", ".git", ".venv"))
