"""Chatire runs as a plain user, and as root although PostgreSQL refuses to."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from launching import Stack

from chatire_local.checkout import LAUNCHER, ROOT
from chatire_local.data_folder import DataFolder
from chatire_local.errors import LauncherError
from chatire_local.parts import postgres_home
from chatire_local.parts.postgres_home import PostgresHome, find_home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]


def _nobody_can_run_python() -> bool:
    """Starting it proves nothing: `setpriv` still has root's rights at that moment."""
    question = "import django, os, sys; os.stat(sys.executable)"
    try:
        return subprocess.run([*AS_NOBODY, sys.executable, "-c", question], check=False).returncode == 0
    except OSError:
        return False


@as_root
def test_plain_user_runs_it(used_data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`used_data`: the web client is built by now, as a plain user's own checkout would have it."""
    if not _nobody_can_run_python():
        pytest.skip("this Python is in a folder that other users cannot read")
    base = tmp_path_factory.mktemp("nobody")
    for folder in (base, *base.parents[:2]):
        folder.chmod(0o755)
    os.chown(base, NOBODY.pw_uid, NOBODY.pw_gid)
    stack = Stack(base / "data")
    options = ["--data", stack.data, "--port", str(stack.port)]
    done = subprocess.run(
        [*AS_NOBODY, sys.executable, LAUNCHER, "up", "--detach", *options],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert stack.is_ready()
        owners = {Path(f"/proc/{part['pid']}").stat().st_uid for part in stack.status()["parts"].values()}
        assert owners == {NOBODY.pw_uid}
    finally:
        stack.run("down")
    assert stack.processes() == []


@as_root
def test_root_runs_postgresql_in_a_namespace_where_it_may() -> None:
    home = find_home(DataFolder(Path("/nonexistent")))
    if not postgres_home._may_make_namespace():
        pytest.skip("this machine forbids user namespaces")
    assert home.prefix[-1] == "namespace"


@as_root
def test_root_without_namespaces_runs_postgresql_as_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container: a cluster is made by the other user, from a copy of the programs it can read."""
    data = _reachable(tmp_path)
    monkeypatch.setattr(postgres_home, "_may_make_namespace", lambda: False)
    home = find_home(data)
    assert home.owner
    assert home.prefix[-1] == home.owner.pw_name

    said = subprocess.run(home.command("postgres", "--version"), capture_output=True, text=True, check=False)

    assert "PostgreSQL" in said.stdout, said.stderr
    assert home.programs.is_relative_to(data.path)


@as_root
def test_folder_out_of_somebody_elses_reach_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_home, "_may_make_namespace", lambda: False)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(LauncherError, match="--data"):
        find_home(DataFolder(closed / "data"))


def test_plain_user_needs_no_detour(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(postgres_home.os, "geteuid", lambda: 1000)
    home = find_home(DataFolder(tmp_path))
    assert isinstance(home, PostgresHome)
    assert home.prefix == ()


def _reachable(tmp_path: Path) -> DataFolder:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    data = DataFolder(tmp_path / "data")
    data.make()
    return data
