"""Servers that exist already are used instead of ours, and left alone."""

from pathlib import Path

import psycopg2
from launching import Stack

from chatire_local.console import Console
from chatire_local.testbed import running_servers


def test_named_servers_are_used_and_outlive_the_stack(tmp_path: Path) -> None:
    with running_servers(["own"], tmp_path / "servers", Console()) as environments:
        stack = Stack(tmp_path / "data", environment=environments["own"])
        stack.up()
        try:
            assert set(stack.status()["parts"]) == {"auth", "messages", "relay", "gateway", "caddy"}
            assert not (stack.data / "postgres").exists()
            assert stack.is_ready()
        finally:
            stack.run("down")

        connection = psycopg2.connect(environments["own"]["CHATIRE_MESSAGES_DATABASE_URL"])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) > 0 FROM django_migrations")
            assert cursor.fetchone() == (True,)
        connection.close()


def test_only_the_missing_servers_are_started(tmp_path: Path) -> None:
    with running_servers(["own"], tmp_path / "servers", Console()) as environments:
        redis = {"CHATIRE_REDIS_URL": environments["own"]["CHATIRE_REDIS_URL"]}
        stack = Stack(tmp_path / "data", environment=redis)
        stack.up()
        try:
            parts = set(stack.status()["parts"])
        finally:
            stack.run("down")
    assert "postgres" in parts
    assert "valkey" not in parts
