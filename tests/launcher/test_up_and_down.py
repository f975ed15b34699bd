"""Starting and stopping: what is kept, what is refused, and that nothing stays behind."""

import os
import shutil
import signal
import socket
from pathlib import Path

import pytest
from launching import Stack, until

from chatire_local.ports import free_ports


def test_down_leaves_no_process_and_keeps_the_data(fresh_stack: Stack) -> None:
    said = fresh_stack.up()
    assert f"http://localhost:{fresh_stack.port}" in said

    down = fresh_stack.run("down")

    assert down.returncode == 0
    assert fresh_stack.processes() == []
    assert (fresh_stack.data / "postgres" / "PG_VERSION").exists()
    assert not (fresh_stack.data / "run.json").exists()


def test_second_start_keeps_secrets_and_rows_and_repeats_no_work(stack: Stack) -> None:
    secrets = {path.name: path.read_text() for path in (stack.data / "secrets").iterdir()}

    said = stack.up()

    assert {path.name: path.read_text() for path in (stack.data / "secrets").iterdir()} == secrets
    assert "migrating" not in said
    assert "making a new database" not in said


def test_nothing_to_stop_is_no_error(fresh_stack: Stack) -> None:
    down = fresh_stack.run("down")
    assert (down.returncode, down.stdout) == (0, f"Nothing runs on {fresh_stack.data}.\n")


def test_status_of_nothing_says_how_to_start(fresh_stack: Stack) -> None:
    status = fresh_stack.run("status")
    assert status.returncode == 1
    assert "./chatire up" in status.stdout
    assert fresh_stack.said_status()["state"] == "stopped"


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_taken_port_is_said_before_anything_starts(fresh_stack: Stack, detach: list[str]) -> None:
    with socket.create_server(("127.0.0.1", fresh_stack.port)):
        refused = fresh_stack.run("up", "--port", str(fresh_stack.port), *detach)

    said = refused.stdout + refused.stderr
    assert refused.returncode == 1
    assert f"port {fresh_stack.port} is taken by" in said
    assert f"pid {os.getpid()}" in said
    assert "--port" in said
    assert fresh_stack.processes() == []
    assert not (fresh_stack.data / "postgres").exists()


def test_ctrl_c_stops_everything(stack: Stack) -> None:
    with stack.in_foreground() as launcher:
        until(stack.is_ready)
        os.killpg(launcher.pid, signal.SIGINT)
        said, _ = launcher.communicate()

    assert launcher.returncode == 0
    assert said.index("caddy          stopped") < said.index("gateway        stopped")
    assert (
        said.index("gateway        stopped")
        < said.index("auth           stopped")
        < said.index("postgres       stopped")
    )
    assert stack.processes() == []


def test_ctrl_c_while_it_starts_stops_everything(fresh_stack: Stack) -> None:
    with fresh_stack.in_foreground() as launcher:
        until((fresh_stack.data / "logs" / "postgres.log").exists)
        os.killpg(launcher.pid, signal.SIGINT)
        launcher.communicate()

    assert launcher.returncode == 0
    assert fresh_stack.processes() == []
    assert not (fresh_stack.data / "run.json").exists()


def test_terminate_stops_everything(stack: Stack) -> None:
    with stack.in_foreground() as launcher:
        until(stack.is_ready)
        launcher.terminate()
        launcher.communicate()

    assert launcher.returncode == 0
    assert stack.processes() == []


def test_first_start_that_was_cut_off_is_finished_by_the_next(fresh_stack: Stack) -> None:
    half = fresh_stack.data / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    fresh_stack.up()

    assert not half.exists()


def test_first_start_that_was_cut_off_before_the_databases_is_finished_by_the_next(stack: Stack) -> None:
    (stack.data / "postgres" / "chatire-provisioned").unlink()

    stack.up()

    assert stack.is_ready()


def test_data_of_another_postgresql_is_refused(fresh_stack: Stack) -> None:
    cluster = fresh_stack.data / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("9\n")

    refused = fresh_stack.run("up", "--port", str(fresh_stack.port))

    assert refused.returncode == 1
    assert "written by PostgreSQL 9" in refused.stderr
    assert "pg_dumpall" in refused.stderr


def test_lost_secrets_are_named_as_the_reason(stack: Stack) -> None:
    shutil.rmtree(stack.data / "secrets")

    refused = stack.run("up", "--port", str(stack.port))

    assert refused.returncode == 1
    assert "secrets" in refused.stderr
    assert stack.processes() == []


def test_two_stacks_run_side_by_side(stack: Stack, tmp_path: Path) -> None:
    other = Stack(tmp_path / "other")
    stack.up()
    try:
        other.up()
        assert stack.is_ready()
        assert other.is_ready()
        assert not {part["pid"] for part in stack.status()["parts"].values()} & set(other.processes())
    finally:
        other.run("down")
    assert stack.is_ready()


def test_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = Stack(tmp_path / "file" / "data").run("up", "--port", str(free_ports(1)[0]))
    assert refused.returncode == 1
    assert "--data" in refused.stderr


def test_manage_starts_the_servers_it_needs_and_stops_them(fresh_stack: Stack) -> None:
    done = fresh_stack.run("manage", "auth", "migrate", "--plan")
    assert done.returncode == 0, done.stderr
    assert "Planned operations" in done.stdout
    assert fresh_stack.processes() == []
