"""`.venv` is made of the Python that was asked for; of the fastest of its version where nobody asked for one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatire_local import pythons
from chatire_local.console import Console
from chatire_local.errors import LauncherError

Make = Callable[..., Path]


@pytest.fixture
def python(tmp_path: Path) -> Make:
    """Makes a `python3` in a folder of its own, which says what it is told to of itself."""

    def make(folder: str, seconds: float, version: tuple[int, int, int] = (3, 11, 9), kind: str = "cpython") -> Path:
        path = tmp_path / folder / "python3"
        path.parent.mkdir()
        said = json.dumps([str(path), kind, version, seconds])
        path.write_text(f"#!/bin/sh\necho '{said}'\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts Pythons on the PATH, in this order, and makes the first the one that the launcher runs on."""

    def put(first: Path, *others: Path) -> None:
        monkeypatch.delenv(pythons.CHOICE, raising=False)
        monkeypatch.setenv("PATH", os.pathsep.join(str(one.parent) for one in (first, *others)))
        monkeypatch.setattr(pythons.sys, "executable", str(first))

    return put


def test_the_fastest_of_the_same_version_is_taken_and_said(
    python: Make, on_path: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    slow, fast, faster = python("a", 0.020), python("b", 0.014), python("c", 0.010)
    on_path(slow, fast, faster)
    assert pythons.choose(Console()) == [faster, slow], "and the other one where it can't be made of that"
    assert f"using {faster} (3.11.9): {slow} (3.11.9) takes 2.0 times as long" in capsys.readouterr().out


def test_one_that_is_hardly_faster_is_not_taken(python: Make, on_path: Callable[..., None]) -> None:
    own, other = python("a", 0.011), python("b", 0.010)
    on_path(own, other)
    assert pythons.choose(Console()) == [own]


@pytest.mark.parametrize("other", [{"version": (3, 12, 1)}, {"version": (3, 9, 1)}, {"kind": "pypy"}])
def test_another_version_or_implementation_is_not_taken(
    python: Make, on_path: Callable[..., None], other: dict[str, object]
) -> None:
    own = python("a", 0.020)
    on_path(own, python("b", 0.001, **other))
    assert pythons.choose(Console()) == [own]


def test_a_shim_that_leads_to_the_same_one_is_not_another(
    python: Make, on_path: Callable[..., None], tmp_path: Path
) -> None:
    own = python("a", 0.020)
    shim = tmp_path / "shims" / "python3"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\necho asked >> "{tmp_path}/shim.log"\nexec "{own}" "$@"\n')
    shim.chmod(0o755)
    on_path(own, shim)
    assert pythons.choose(Console()) == [own]
    assert (tmp_path / "shim.log").read_text() == "asked\n", "once, for what it is; not timed against itself"


def test_what_does_not_answer_is_passed_over(python: Make, on_path: Callable[..., None]) -> None:
    own, broken, fast = python("a", 0.020), python("b", 0.001), python("c", 0.010)
    broken.write_text("#!/bin/sh\nexit 1\n")
    on_path(own, broken, fast)
    assert pythons.choose(Console())[0] == fast


def test_whoever_starts_it_with_a_python_of_their_own_gets_that(
    python: Make, on_path: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    default, fast = python("a", 0.020), python("b", 0.001)
    on_path(default, fast)
    monkeypatch.setattr(pythons.sys, "executable", "/opt/mine/bin/python3.11")
    assert pythons.choose(Console()) == [Path("/opt/mine/bin/python3.11")]


def test_what_is_named_is_taken_whatever_is_faster(
    python: Make, on_path: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, fast = python("a", 0.020), python("b", 0.001)
    on_path(slow, fast)
    monkeypatch.setenv(pythons.CHOICE, str(slow))
    assert pythons.choose(Console()) == [slow]


@pytest.mark.parametrize(
    ("named", "why"), [("/nowhere/python3", "no Python that runs"), ("false", "no Python that runs")]
)
def test_what_is_named_and_does_not_run_is_said(monkeypatch: pytest.MonkeyPatch, named: str, why: str) -> None:
    monkeypatch.setenv(pythons.CHOICE, named)
    with pytest.raises(LauncherError, match=why):
        pythons.choose(Console())


def test_what_is_named_and_too_old_is_said(python: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pythons.CHOICE, str(python("old", 0.01, version=(3, 9, 2))))
    with pytest.raises(LauncherError, match=r"\(3\.9\.2\); Chatire needs Python 3\.11 or newer"):
        pythons.choose(Console())


def test_a_real_one_tells_what_it_is_and_how_long_it_took() -> None:
    shown = pythons._ask(Path(sys.executable))
    assert shown is not None
    assert (shown.kind, shown.version) == (sys.implementation.name, tuple(sys.version_info[:3]))
    assert 0 < shown.seconds < 5
    assert subprocess.run([shown.executable, "-c", ""], check=False).returncode == 0
