"""A stock Channels project hears what happens in Chatire: the relay's wire format is the public one of the layer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import redis
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.testing import WebsocketCommunicator

from chatire_shared.testing.servers import ensure_postgres, ensure_redis, free_port
from chatire_shared.testing.tokens import TokenMint

MANAGE = Path(__file__).parents[2] / "services" / "messages" / "manage.py"
# What a group's creation does in the service, without its HTTP: the event and its outbox row are committed together.
BEGIN_A_GROUP = """
from datetime import UTC, datetime
from chatire_shared.contracts.ids import uuid7
from messages_service.conversations.rules.kinds import Kind
from messages_service.conversations.services.creating import NewConversation, create_conversation
from messages_service.people.models import Person
ada = Person.objects.create(id=uuid7(), username="ada", display_name="Ada", change_id=1)
group, _ = create_conversation(
    new=NewConversation(kind=Kind.GROUP, title="Roses"), creator_id=ada.id, fetch_users=None, now=datetime.now(UTC),
    request_id="contract-test",
)
print("GROUP", group)
"""


class Listener(AsyncWebsocketConsumer):  # type: ignore[misc]
    """What the Channels tutorial teaches, with one more handler."""

    async def chatire_event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["body"].decode())


class Messages:
    """The messages service's commands on a database of their own."""

    def __init__(self, folder: Path) -> None:
        self.database = f"contract_{uuid4().hex[:12]}"
        server = ensure_postgres()
        with _autocommit(server) as cursor:
            cursor.execute(f'CREATE DATABASE "{self.database}"')
        (folder / "secret").write_text("only for tests")
        (folder / "service.pem").write_bytes(TokenMint(kid="messages").pem())
        (folder / "services.json").write_text('{"keys": []}')
        self.environment = os.environ | {
            "CHATIRE_SECRET_KEY_FILE": str(folder / "secret"),
            "CHATIRE_SERVICE_KEY_FILE": str(folder / "service.pem"),
            "CHATIRE_SERVICE_KEYS_FILE": str(folder / "services.json"),
            "CHATIRE_MESSAGES_DATABASE_URL": f"{server.rsplit('/', 1)[0]}/{self.database}",
            "CHATIRE_REDIS_URL": ensure_redis(),
            "CHATIRE_AUTH_URL": "http://127.0.0.1:9",
            "CHATIRE_PUBLIC_ORIGIN": "http://localhost:8000",
        }
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, str(MANAGE), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_relay(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(MANAGE), "relay_outbox", "--health", f"127.0.0.1:{free_port()}"]
        return subprocess.Popen(command, env=self.environment, stderr=subprocess.DEVNULL)


class _autocommit:  # noqa: N801 (used like a function)
    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def __enter__(self) -> Any:
        return self._connection.cursor()

    def __exit__(self, *_error: object) -> None:
        self._connection.close()


@pytest.fixture
def messages(tmp_path: Path) -> Iterator[Messages]:
    service = Messages(tmp_path)
    service.manage("migrate", "--verbosity", "0")
    yield service
    with _autocommit(ensure_postgres()) as cursor:
        cursor.execute(f'DROP DATABASE "{service.database}" WITH (FORCE)')


async def test_a_stock_consumer_hears_the_relay(messages: Messages) -> None:
    (group,) = [
        line.split()[1] for line in messages.manage("shell", "-c", BEGIN_A_GROUP).splitlines() if "GROUP" in line
    ]

    class OfTheGroup(Listener):
        groups = [f"conv.{group}"]  # noqa: RUF012 (Channels wants a list)

    socket = WebsocketCommunicator(OfTheGroup.as_asgi(), "/")
    connected, _ = await socket.connect()
    assert connected
    await _subscribed(f"chatire__group__conv.{group}")
    relay = messages.start_relay()
    try:
        heard = json.loads(await socket.receive_from(timeout=30))
    finally:
        relay.terminate()
        relay.wait(30)
    await socket.disconnect()
    assert (heard["type"], heard["conversation"], heard["seq"]) == ("event", group, 1)
    assert (heard["kind"], heard["data"]["username"]) == ("member.added", "ada")


async def _subscribed(channel: str) -> None:
    """Wait until Redis counts a listener: the stock layer doesn't."""
    client = redis.Redis.from_url(ensure_redis())
    async with asyncio.timeout(10):
        while not client.pubsub_numsub(channel)[0][1]:
            await asyncio.sleep(0.01)
    client.close()
