"""What a running stack is like: its parts, who may know what, and the commands that look at it."""

import json
import socket
import stat
import urllib.request
from pathlib import Path

import psycopg2
import pytest
from launching import Stack

from chatire_local import processes

PARTS = {"postgres", "valkey", "auth", "messages", "relay", "gateway-1", "gateway-2", "caddy"}
SECRETS_OF = {
    "auth": {"CHATIRE_AUTH_DATABASE_URL", "CHATIRE_AUTH_KEYS_DIR"},
    "messages": {"CHATIRE_MESSAGES_DATABASE_URL"},
    "relay": {"CHATIRE_MESSAGES_DATABASE_URL"},
    "gateway-1": set(),
    "caddy": set(),
    "postgres": set(),
    "valkey": set(),
}
ALL_SECRETS = set().union(*SECRETS_OF.values())


def test_every_part_is_ready(running: Stack) -> None:
    status = running.said_status()
    assert status["state"] == "ready"
    assert {name: part["health"] for name, part in status["parts"].items()} == dict.fromkeys(PARTS, "ready")
    assert all(part["pid"] and part["rss_bytes"] and part["version"] for part in status["parts"].values())
    assert (status["limits"], status["data"], status["address"]) == (
        "off",
        str(running.data),
        f"http://localhost:{running.port}",
    )


def test_status_is_readable(running: Stack) -> None:
    shown = running.run("status")
    assert shown.returncode == 0
    assert f"http://localhost:{running.port}" in shown.stdout
    assert all(part in shown.stdout for part in PARTS)


def test_page_and_services_answer_at_the_printed_address(running: Stack) -> None:
    page = urllib.request.urlopen(f"http://localhost:{running.port}/").read()
    keys = json.load(urllib.request.urlopen(f"http://localhost:{running.port}/api/auth/.well-known/jwks.json"))
    assert b"<title>" in page
    assert keys["keys"]


def test_only_the_api_gateway_can_be_reached_from_outside_this_machine(running: Stack) -> None:
    assert {part["address"].rpartition(":")[0] for part in running.status()["parts"].values()} == {"127.0.0.1"}


def test_secrets_are_readable_by_their_owner_alone(running: Stack) -> None:
    private = [
        *(running.data / "secrets").iterdir(),
        *(running.data / "auth-keys").iterdir(),
        running.data / "run.json",
    ]
    assert len(private) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o700


@pytest.mark.parametrize("part", SECRETS_OF)
def test_each_part_is_told_only_what_it_needs(running: Stack, part: str) -> None:
    environment = Path(f"/proc/{running.pid(part)}/environ").read_bytes().decode()
    names = {line.partition("=")[0] for line in environment.split("\0")}
    assert names & ALL_SECRETS == SECRETS_OF[part]


def test_no_password_is_on_a_command_line(running: Stack) -> None:
    passwords = [path.read_text() for path in (running.data / "secrets").glob("*.password")]
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in running.processes() if Path(f"/proc/{pid}").exists()]
    assert len(passwords) == 4
    assert not any(password in line for password in passwords for line in lines)


@pytest.mark.parametrize(("service", "foreign"), [("auth", "messages"), ("messages", "auth")])
def test_service_cannot_open_the_others_database(running: Stack, service: str, foreign: str) -> None:
    own = json.loads((running.data / "run.json").read_text())["addresses"][f"{service}_database_url"]
    psycopg2.connect(own).close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(own, dbname=f"chatire_{foreign}")


def test_valkey_wants_its_password(running: Stack) -> None:
    host, _, port = running.status()["parts"]["valkey"]["address"].partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100).startswith(b"-NOAUTH")


def test_database_keeps_what_an_acknowledgement_promises(running: Stack) -> None:
    url = json.loads((running.data / "run.json").read_text())["addresses"]["messages_database_url"]
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() == ("on",)
    connection.close()


def test_second_launcher_on_the_same_data_is_refused(running: Stack) -> None:
    refused = running.run("up", "--port", "1")
    assert refused.returncode == 1
    assert "already runs" in refused.stderr
    assert f"http://localhost:{running.port}" in refused.stderr
    assert running.is_ready()


def test_logs_of_all_parts_and_of_one(running: Stack) -> None:
    everything, one = running.run("logs").stdout, running.run("logs", "postgres").stdout
    assert "\nlauncher  | " in everything
    assert "\npostgres  | " in everything
    assert "ready to accept connections" in one
    assert "launcher" not in one


def test_manage_runs_in_the_environment_of_the_running_stack(running: Stack) -> None:
    applied = running.run("manage", "messages", "showmigrations", "--plan")
    assert applied.returncode == 0, applied.stderr
    assert "[X]" in applied.stdout
    assert "[ ]" not in applied.stdout


def test_manage_passes_the_exit_code_on(running: Stack) -> None:
    assert running.run("manage", "auth", "no_such_command").returncode == 1


def test_no_two_parts_share_a_process(running: Stack) -> None:
    pids = [part["pid"] for part in running.status()["parts"].values()]
    assert len(set(pids)) == len(pids)
    assert all(processes.started(pid) for pid in pids)
