"""Crash points do nothing unless a test asks, and then exactly once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from chatire_shared.crash_points import FOLDER_NAME, SABOTAGE_NAME
from chatire_shared.testing import faults

PASS = "from chatire_shared.crash_points import hit; hit('here.now'); hit('here.now'); print('alive')"
START = "from chatire_shared.crash_points import started; started('here'); print('alive')"
WITHOUT_TESTING = "import sys; sys.modules['chatire_shared.testing'] = None; "


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_nothing_happens_without_a_folder():
    done = run(PASS)
    assert (done.returncode, done.stdout) == (0, "alive\n")


def test_nothing_happens_at_a_point_that_is_not_armed(tmp_path):
    faults.arm(tmp_path, "there.now")
    done = run(PASS, **{FOLDER_NAME: str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert faults.is_armed(tmp_path, "there.now")


def test_the_first_process_that_comes_by_dies_and_the_next_one_lives(tmp_path):
    faults.arm(tmp_path, "here.now")
    assert run(PASS, **{FOLDER_NAME: str(tmp_path)}).returncode == -signal.SIGKILL
    assert not faults.is_armed(tmp_path, "here.now")
    assert list(tmp_path.iterdir()) == []
    assert run(PASS, **{FOLDER_NAME: str(tmp_path)}).returncode == 0


@pytest.mark.parametrize(("after", "ends"), [(2, -signal.SIGKILL), (3, 0)])
def test_it_dies_when_it_comes_by_for_the_time_asked(tmp_path, after, ends):
    faults.arm(tmp_path, "here.now", after=after)
    assert run(PASS, **{FOLDER_NAME: str(tmp_path)}).returncode == ends


def test_it_stalls_once(tmp_path):
    faults.arm(tmp_path, "here.now", "stall 0.5")
    began = time.monotonic()
    assert run(PASS, **{FOLDER_NAME: str(tmp_path)}).stdout == "alive\n"
    assert time.monotonic() - began >= 0.5


def test_what_is_disarmed_does_not_happen(tmp_path):
    faults.arm(tmp_path, "here.now")
    assert faults.disarm(tmp_path, "here.now")
    assert not faults.disarm(tmp_path, "here.now")
    assert run(PASS, **{FOLDER_NAME: str(tmp_path)}).returncode == 0


def test_sabotage_is_called_with_the_part_that_starts(tmp_path):
    (tmp_path / "mischief.py").write_text("def done_to(part): print('sabotaged', part)")
    done = run(START, PYTHONPATH=str(tmp_path), **{SABOTAGE_NAME: "mischief:done_to"})
    assert done.stdout == "sabotaged here\nalive\n"


@pytest.mark.parametrize("name", [FOLDER_NAME, SABOTAGE_NAME])
def test_where_the_testing_package_is_not_installed_nothing_can_be_armed(tmp_path, name):
    faults.arm(tmp_path, "here.now")
    done = run(WITHOUT_TESTING + PASS + "\n" + START, **{name: str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "alive\nalive\n")
