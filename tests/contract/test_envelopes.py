"""What auth, messages, the relay and the fakes say on the channel layer is as agreed, and the gateway takes it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from exchanges import auth_stages, messages_stages
from exchanges.envelopes import SHAPES, TYPING, key_of
from houses import House, living_in

from chatire_shared.bus import wire
from chatire_shared.contracts import envelopes
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.alone import Alone
from chatire_shared.testing.fake_messages import FakeMessages
from chatire_shared.testing.servers import ensure_redis, free_port
from gateway_service.realtime.subscriber import dispatch

DOCS = (Path(__file__).parents[2] / "docs" / "internal.md").read_text(encoding="utf-8")
OF_MESSAGES = {key for key in SHAPES if key[0] not in {"auth.changed", "chatire.typing"}}


class Ear:
    """Hears every group of the layer."""

    def __init__(self) -> None:
        self._redis = redis.Redis.from_url(ensure_redis())
        self._heard = self._redis.pubsub()
        self._heard.psubscribe("chatire__group__*")
        assert self._heard.get_message(timeout=10)["type"] == "psubscribe"

    def hears(self, wanted: set[tuple[str, str]], about: Callable[[str], bool]) -> dict[tuple[str, str], Any]:
        """One message of each of these kinds, in groups that this is about."""
        found: dict[tuple[str, str], Any] = {}
        deadline = time.monotonic() + 30
        while found.keys() < wanted:
            assert time.monotonic() < deadline, f"not heard: {wanted - found.keys()}"
            raw = self._heard.get_message(timeout=1)
            if raw and raw["type"] == "pmessage" and about(raw["channel"].decode().removeprefix("chatire__group__")):
                message = wire.decode(raw["data"])
                found.setdefault(key_of(message), message)
        return {key: found[key] for key in wanted}

    def close(self) -> None:
        self._heard.close()
        self._redis.close()


class Notebook:
    """A listener of the gateway's that only writes down what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.told.append(name)


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    yield ear
    ear.close()


@pytest.fixture(scope="module")
def real_messages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with living_in("messages", tmp_path_factory.mktemp("messages")) as house:
        health = f"127.0.0.1:{free_port()}"
        house.start("manage.py", "relay_outbox", "--health", health, health=f"http://{health}")
        yield house


def require_agreed(heard: dict[tuple[str, str], Any]) -> None:
    for key, message in heard.items():
        assert message == SHAPES[key]
        listener = Notebook()
        dispatch(message, listener)
        assert len(listener.told) == 1, "the gateway has no use for it"


def test_messages_and_the_relay_say_it_as_agreed(real_messages: House, ear: Ear) -> None:
    stage = messages_stages.RealStage(real_messages.alone, real_messages.url)
    stage.say("ada", "hello", str(uuid4()))
    stage.read("grace", 3)
    stage.remove("grace")
    ours = {f"conv.{stage.group}", f"user.{stage.grace.id}", "tick"}
    require_agreed(ear.hears(OF_MESSAGES, ours.__contains__))


def test_the_fake_of_messages_says_it_as_agreed(ear: Ear) -> None:
    with Alone("gateway") as alone:
        assert alone.auth is not None
        fake = FakeMessages(Verifier(alone.auth.mint, issuer="chatire", audience="chatire"), alone.jwks, ensure_redis())
        ada, grace = alone.auth.register("ada"), alone.auth.register("grace")
        group = fake.begin(ada, grace)
        fake.say(group, "hello")
        item = {"token": 0, "conversation": group, "seq": 3, "origin": "a-socket"}
        fake._reads({"tokens": [alone.auth.token(grace)], "items": [item]})
        fake.remove(group, grace)
        fake.tick()
        require_agreed(ear.hears(OF_MESSAGES, {f"conv.{group}", f"user.{grace}", "tick"}.__contains__))
        fake.close()


def test_auth_hints_as_agreed(tmp_path: Path, ear: Ear) -> None:
    with living_in("auth", tmp_path) as house:
        auth_stages.RealStage(house, 0).sign_out_ada()
        require_agreed(ear.hears({("auth.changed", "")}, "auth.changes".__eq__))


def test_typing_goes_from_gateway_to_gateway_as_agreed() -> None:
    message = envelopes.typing(conversation=str(uuid4()), user=str(uuid4()), state="started", connection="a-socket")
    assert message == TYPING
    require_agreed({("chatire.typing", ""): wire.decode(wire.encode(message))})


def test_every_message_of_the_channel_layer_has_a_shape() -> None:
    table = DOCS[DOCS.index("\n## On the channel layer") : DOCS.index("\nThe bell:")]
    in_docs = re.findall(r'`\{type: "([\w.]+)", v(?:, kind: "(\w+)")?', table)
    assert set(in_docs) == set(SHAPES)
