"""Group names and the bytes on the wire."""

import msgpack
import pytest
from channels_redis.pubsub import RedisPubSubLoopLayer
from channels_redis.serializers import registry

from chatire_shared.bus import wire
from chatire_shared.bus.groups import PREFIX, conversation_group, group_channel, is_group_name, user_group

MESSAGE = {"type": "chatire.event", "v": 1, "seq": 7, "body": b'{"t":"event"}', "title": "Grüße 🌍", "origin": None}


def test_bytes_are_those_of_the_stock_layers_serializer() -> None:
    assert wire.encode(MESSAGE) == registry.get_serializer("msgpack").serialize(MESSAGE)


def test_channels_are_named_as_the_stock_layer_names_them() -> None:
    stock = RedisPubSubLoopLayer(prefix=PREFIX)
    assert group_channel("conv.42") == stock._get_group_channel_name("conv.42") == "chatire__group__conv.42"


def test_what_is_encoded_comes_back() -> None:
    assert wire.decode(wire.encode(MESSAGE)) == MESSAGE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff\xff",
        msgpack.packb([1]),
        msgpack.packb({"v": 1}),
        msgpack.packb({"type": 1}),
        b"\x81\x90\x01",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(wire.BadMessage):
        wire.decode(data)


def test_groups_of_ids_are_names_that_channels_allows() -> None:
    some_id = "0190a1b2-0000-7000-8000-000000000001"
    assert conversation_group(some_id) == f"conv.{some_id}"
    assert user_group(some_id) == f"user.{some_id}"
    assert is_group_name(conversation_group(some_id))
    assert is_group_name(user_group(some_id))


@pytest.mark.parametrize("name", ["", "a:b", "a b", "ä", "a" * 100, None, 7, "a\n"])
def test_other_names_are_refused(name: object) -> None:
    assert not is_group_name(name)
