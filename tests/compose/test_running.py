"""The running containers, looked into: for whoever has an engine and names a stack in CHATIRE_COMPOSE_PROJECT."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from composition import ROOT

PROJECT = os.environ.get("CHATIRE_COMPOSE_PROJECT")


@pytest.mark.skipif(not PROJECT, reason="CHATIRE_COMPOSE_PROJECT names no running stack")
def test_no_container_may_do_more_than_it_should() -> None:
    program = ROOT / "deploy" / "compose" / "look_inside.py"
    done = subprocess.run([sys.executable, program, "-p", str(PROJECT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
