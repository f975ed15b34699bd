"""Wrong usage is exit code 2 and says what would be right."""

import subprocess
import sys

import pytest

from chatire_local.checkout import LAUNCHER


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, LAUNCHER, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["up", "--port", "0"], "from 1 to 65535"),
        (["up", "--port", "70000"], "from 1 to 65535"),
        (["up", "--port", "８０"], "from 1 to 65535"),
        (["up", "--gateways", "0"], "from 1 to 64"),
        (["up", "--workers", "many"], "from 1 to 64"),
        (["up", "--auths", "0"], "from 1 to 64"),
        (["up", "--messages", "65"], "from 1 to 64"),
        (["up", "--relays", "-1"], "from 1 to 64"),
        (["restart"], "PART"),
        (["up", "--limits", "none"], "choose from"),
        (["up", "--detatch"], "unrecognized arguments"),
        (["test", "everything"], "Suites: launcher, gateway"),
        (["manage"], "SERVICE"),
        (["manage", "caddy"], "invalid choice: 'caddy'"),
    ],
)
def test_wrong_usage(arguments: list[str], hint: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert hint in done.stderr


def test_unknown_log_names_those_there_are(tmp_path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "auth.log").write_text("")
    done = _run("logs", "--data", str(tmp_path), "nothing")
    assert done.returncode == 2
    assert "Logs: auth" in done.stderr


def test_help_lists_every_command() -> None:
    done = _run("--help")
    assert done.returncode == 0
    for command in ("up", "down", "restart", "status", "logs", "check", "test", "replay", "verify", "manage"):
        assert f"    {command} " in done.stdout


def test_old_python_is_told_plainly() -> None:
    """The file itself must be readable for Pythons that are too old."""
    script = f"import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path({str(LAUNCHER)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "chatire needs Python 3.11 or newer; this is 3.9.\nStart it with a newer one, for example: python3.13 ./chatire up\n"
    )
