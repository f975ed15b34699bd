"""`.venv` is made once, made again when a lock file changed, and never trusted when it may be half a one."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatire_local import install
from chatire_local.checkout import LAUNCHER, LOCAL
from chatire_local.errors import LauncherError

# What the launcher does first in every command that needs packages.
ENSURE = (
    "from chatire_local import install; from chatire_local.console import Console; install.ensure('local', Console())"
)


@dataclass
class Checkout:
    """A copy of the launcher alone, whose lock files name no package: nothing has to be fetched."""

    root: Path

    def install(self) -> "subprocess.CompletedProcess[str]":
        """Run the installation in a process, with a bare environment."""
        environment = {"PATH": "/usr/bin:/bin", "HOME": "", "PYTHONPATH": str(self.root / "deploy" / "local")}
        return subprocess.run(
            [sys.executable, "-c", ENSURE], env=environment, cwd=self.root, capture_output=True, text=True, check=False
        )

    @property
    def venv(self) -> Path:
        """Where it goes."""
        return self.root / ".venv"

    @property
    def stamp(self) -> dict[str, str]:
        """What is written down about it."""
        return dict(json.loads((self.venv / "chatire-installed.json").read_text()))


@pytest.fixture
def fresh_checkout(tmp_path: Path) -> Checkout:
    """Never installed."""
    return _bare_checkout(tmp_path / "a checkout")


@pytest.fixture(scope="session")
def installed_once(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Installed; not to be changed."""
    checkout = _bare_checkout(tmp_path_factory.mktemp("installed") / "a checkout")
    checkout.install()
    return checkout


@pytest.fixture
def checkout(installed_once: Checkout, tmp_path: Path) -> Checkout:
    """Installed, and moved to where the test may do with it what it likes."""
    return Checkout(Path(shutil.copytree(installed_once.root, tmp_path / "a checkout", symlinks=True)))


def _bare_checkout(root: Path) -> Checkout:
    shutil.copytree(LOCAL, root / "deploy" / "local", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(LAUNCHER, root)
    requirements = root / "deploy" / "requirements"
    requirements.mkdir()
    for lock in ("local", "dev", "node"):
        (requirements / f"{lock}.txt").write_text(f"# {lock}: nothing\n")
    return Checkout(root)


def test_first_installation_then_nothing_more(fresh_checkout: Checkout) -> None:
    checkout = fresh_checkout
    first, second = checkout.install(), checkout.install()
    assert first.returncode == 0, first.stderr
    assert "installed in" in first.stdout
    assert (second.returncode, second.stdout) == (0, "")
    assert set(checkout.stamp) == {"local"}


def test_own_packages_can_be_imported(checkout: Checkout) -> None:
    checkout.install()
    (checkout.root / "shared" / "src" / "chatire_shared").mkdir(parents=True)
    (checkout.root / "shared" / "src" / "chatire_shared" / "__init__.py").write_text("")
    asked = [checkout.venv / "bin" / "python", "-c", "import chatire_shared, chatire_local"]
    assert subprocess.run(asked, cwd="/", check=False).returncode == 0


def test_moved_checkout_imports_from_where_it_is_now(checkout: Checkout, installed_once: Checkout) -> None:
    assert checkout.install().stdout == ""
    (path,) = checkout.venv.glob("lib/python3.*/site-packages/chatire.pth")
    assert str(checkout.root) in path.read_text()
    assert str(installed_once.root) not in path.read_text()


def test_changed_lock_file_is_installed_anew(checkout: Checkout) -> None:
    before = checkout.stamp
    (checkout.root / "deploy" / "requirements" / "local.txt").write_text("# local: still nothing\n")
    assert "installed in" in checkout.install().stdout
    assert checkout.stamp != before


def test_interrupted_installation_is_made_from_scratch(checkout: Checkout) -> None:
    (checkout.venv / "chatire-installing").touch()
    (checkout.venv / "half a package").touch()

    again = checkout.install()

    assert "was not finished" in again.stdout
    assert not (checkout.venv / "half a package").exists()
    assert checkout.stamp


def test_environment_of_a_python_that_is_gone_is_made_from_scratch(checkout: Checkout) -> None:
    (checkout.venv / "bin" / "python").unlink()
    (checkout.venv / "bin" / "python").symlink_to("/nowhere/python3")
    assert checkout.install().returncode == 0
    assert subprocess.run([checkout.venv / "bin" / "python", "-c", ""], check=False).returncode == 0


def test_package_that_cannot_be_had_is_said_with_what_to_do(checkout: Checkout) -> None:
    (checkout.root / "deploy" / "requirements" / "local.txt").write_text("no-hash-at-all==1\n")
    failed = checkout.install()
    assert failed.returncode == 1
    assert "pip could not install" in failed.stderr
    assert "run the same command again" in failed.stderr
    assert (checkout.venv / "chatire-installing").exists()


def test_python_without_venv_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "VENV", Path("/nonexistent/.venv"))
    with pytest.raises(LauncherError, match=r"apt install python3\.\d+-venv"):
        install._create_venv([Path("/bin/false")])


def test_whoever_has_the_tools_for_tests_needs_nothing_more_to_run_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stamp = tmp_path / "stamp.json"
    stamp.write_text(json.dumps({"dev": install._digest(install._lock_file("dev"))}))
    monkeypatch.setattr(install, "STAMP", stamp)
    assert install.is_installed("local")
    assert not install.is_installed("node")
