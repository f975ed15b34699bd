"""A Redis of the test's own, an ear on everything that is published, and ways to fill the outbox."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import transaction
from waiting import wait_until

from chatire_shared.bus import wire
from chatire_shared.bus.groups import BELL_CHANNEL, conversation_group
from chatire_shared.bus.publisher import LayerPublisher, publisher_for
from chatire_shared.contracts import envelopes
from chatire_shared.outbox.services import OutboxEntry, record
from chatire_shared.testing.servers import ValkeyServer

_GROUPS = "chatire__group__"


class Ear:
    """Hears every group and the bell of one Redis, in order, also over its restarts."""

    def __init__(self, redis_url: str) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.rings = 0
        self.ready = threading.Event()
        self._client = redis.Redis.from_url(redis_url)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.ready.wait(20)

    def seqs(self, stream: UUID) -> list[int]:
        return [m["seq"] for topic, m in list(self.heard) if topic == conversation_group(stream)]

    def first_seqs(self, stream: UUID) -> list[int]:
        """What a receiver keeps that drops numbers at or below its latest."""
        kept: list[int] = []
        for seq in self.seqs(stream):
            if not kept or seq > kept[-1]:
                kept.append(seq)
        return kept

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._client.pubsub() as pubsub:
                    self._listen(pubsub)
            except redis.RedisError:
                self.ready.clear()

    def _listen(self, pubsub: Any) -> None:
        pubsub.psubscribe(f"{_GROUPS}*", BELL_CHANNEL)
        confirmed = 0
        while not self._stopped.is_set():
            message = pubsub.get_message(timeout=0.05)
            if message is None:
                continue
            if message["type"] == "psubscribe":
                confirmed += 1
                if confirmed == 2:
                    self.ready.set()
            elif message["channel"] == BELL_CHANNEL.encode():
                self.rings += 1
            else:
                self.heard.append((message["channel"].decode().removeprefix(_GROUPS), wire.decode(message["data"])))


@pytest.fixture
def valkey(settings: Any) -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    settings.CHATIRE_REDIS_URL = server.url
    yield server
    publisher_for(server.url).close()
    server.resume()
    server.destroy()


@pytest.fixture
def ear(valkey: ValkeyServer) -> Iterator[Ear]:
    ear = Ear(valkey.url)
    yield ear
    ear.close()


@pytest.fixture
def publisher(valkey: ValkeyServer) -> Iterator[LayerPublisher]:
    publisher = LayerPublisher(valkey.url)
    yield publisher
    publisher.close()


def event(stream: UUID, seq: int, body: bytes = b"{}") -> OutboxEntry:
    conversation = str(stream)
    message = envelopes.event(kind="message.created", conversation=conversation, seq=seq, epoch="e", at_us=1, body=body)
    return OutboxEntry.of(stream, conversation_group(stream), message, seq)


@pytest.fixture
def write() -> Callable[..., None]:
    """Records events of one stream, by their seqs, in one transaction."""

    def write(stream: UUID, *seqs: int) -> None:
        with transaction.atomic():
            record([event(stream, seq) for seq in seqs])

    return write


@pytest.fixture
def make_event() -> Callable[..., OutboxEntry]:
    return event


@pytest.fixture
def until() -> Callable[..., None]:
    return wait_until
