"""The linters of `./chatire check` find what they are there for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from composition import ROOT

from chatire_local import checks
from chatire_local.console import Console


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with this checkout's container files, which the linters look at instead."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / "web").mkdir()
    shutil.copy(ROOT / "web" / "Dockerfile", tmp_path / "web")
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    return tmp_path


def verdict(name: str) -> int:
    """What a step of `check` says of the copy."""
    found = {check.name: check for check in checks._container_checks(Console())}
    if name not in found:
        pytest.skip("hadolint has no wheel for this machine")
    done = subprocess.run(found[name].command, capture_output=True, check=False)
    return done.returncode


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize("name", ["compose schema", "compose rules", "dockerfiles"])
def test_what_is_as_it_should_be_passes(copy: Path, name: str) -> None:
    assert verdict(name) == 0


def test_a_word_that_compose_does_not_know_is_found(copy: Path) -> None:
    change(copy / "docker-compose.yml", "stop_grace_period", "stop_grace")
    assert verdict("compose schema") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("read_only: true\n  cap_drop: [ALL]", "read_only: true"),
        ("    stop_signal: SIGINT", "    privileged: true"),
        ('    ports: ["', '    volumes: ["/var/run/docker.sock:/s"]\n    ports: ["'),
        ("${CHATIRE_BIND:-127.0.0.1}:", ""),
    ],
)
def test_a_right_too_many_is_found(copy: Path, before: str, after: str) -> None:
    change(copy / "docker-compose.yml", before, after)
    assert verdict("compose rules") == 1


@pytest.mark.parametrize("after", ["RUN apt-get install curl", "RUN cd /x && npm ci", "ADD . /x"])
def test_a_careless_line_of_a_dockerfile_is_found(copy: Path, after: str) -> None:
    change(copy / "web" / "Dockerfile", "RUN npm ci --ignore-scripts", after)
    assert verdict("dockerfiles") == 1
