"""Parts that die are started again; a launcher that dies leaves nothing that the next one does not clear away."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from launching import Stack, until

from chatire_local.checkout import LOCAL


@pytest.mark.parametrize("part", ["caddy", "gateway-1", "relay", "messages", "auth", "valkey", "postgres"])
def test_killed_part_is_started_again(running: Stack, part: str) -> None:
    before = running.status()["parts"][part]
    os.kill(before["pid"], signal.SIGKILL)

    until(lambda: running.status()["parts"][part]["restarts"] > before["restarts"])
    until(running.is_ready)

    after = running.status()["parts"][part]
    assert after["pid"] != before["pid"]
    assert after["address"] == before["address"]
    log = (running.data / "logs" / "launcher.log").read_text()
    assert f"{part:<14} ended with signal 9; starting it again" in log
    assert f"{part:<14} started again (pid {after['pid']})" in log


def test_killed_worker_of_a_service_leaves_the_service_running(running: Stack) -> None:
    service = running.pid("messages")
    (worker, *_) = Path(f"/proc/{service}/task/{service}/children").read_text().split()
    os.kill(int(worker), signal.SIGKILL)
    until(lambda: not Path(f"/proc/{worker}").exists())
    until(running.is_ready)
    assert running.pid("messages") == service


def test_next_start_clears_away_what_a_killed_launcher_left(stack: Stack) -> None:
    stack.up()
    left = set(stack.processes())
    stack.kill_launcher()
    assert stack.status()["state"] == "crashed"
    assert set(stack.processes()) < left

    said = stack.up()

    assert "the last launcher was killed; stopping postgres" in said
    assert not left & set(stack.processes())
    assert stack.is_ready()


def test_down_stops_what_a_killed_launcher_left(stack: Stack) -> None:
    stack.up()
    stack.kill_launcher()

    assert stack.run("down").returncode == 0

    assert stack.processes() == []


def test_launcher_that_hears_nothing_is_killed_by_down(stack: Stack) -> None:
    stack.up()
    os.kill(int(stack.status()["launcher"]), signal.SIGSTOP)
    patience = (
        "import chatire_local.down as down; down.PATIENCE_SECONDS = 1; import sys; from chatire_local.cli import main; "
    )
    line = [sys.executable, "-c", f"{patience} sys.exit(main(sys.argv[1:]))", "down", "--data", str(stack.data)]

    down = subprocess.run(line, env={"PYTHONPATH": str(LOCAL)}, capture_output=True, text=True, check=False)

    assert down.returncode == 0, down.stderr
    assert "was killed" in down.stdout
    assert stack.processes() == []


def test_left_over_record_of_other_processes_harms_nobody(stack: Stack) -> None:
    """After a reboot the pids of the run file belong to others."""
    innocent = {"pid": os.getpid(), "since": "another start", "tier": 1, "stop_plan": [[signal.SIGKILL, 1]]}
    record = {"launcher": {"pid": os.getpid(), "since": "another start"}, "parts": {"auth": innocent}}
    (stack.data / "run.json").write_text(json.dumps(record))

    stack.up()

    assert stack.is_ready()
