"""The formats that are published in, read back by those they are for."""

import json

import msgpack
import pytest

from chatire_bench.publish_loops import Published, pace, saturate
from chatire_bench.publishing import Counting, Message, event_text, for_python_socketio, for_socketio, for_ws

AT = 1_234_567_890_123


def test_an_event_has_the_wanted_size_and_carries_its_marker():
    text = event_text("01936b4e-7c1a-7000-8000-000000000001", 17, Message(0, 5, AT), 320)
    assert len(text) == 320
    event = json.loads(text)
    assert (event["type"], event["seq"]) == ("event", 17)
    assert event["data"]["body"].startswith(f"n^5={AT}^ ")


def test_each_room_counts_by_itself_from_its_newest_on():
    rooms = Counting(["a", "b"], [10, 20])
    numbered = [rooms.next(Message(room, 0, AT))[:2] for room in (0, 1, 0)]
    assert numbered == [("a", 11), ("b", 21), ("a", 12)]


def test_the_redis_adapter_of_socketio_gets_what_its_emitter_writes():
    channel, data = for_socketio("room0", 3, event_text("room0", 3, Message(0, 1, AT)))
    uid, packet, options = msgpack.unpackb(data)
    assert channel == "socket.io#/#room0#"
    assert (uid, packet["type"], packet["nsp"], packet["data"][0]) == ("emitter", 2, "/", "message")
    assert options == {"rooms": ["room0"], "except": [], "flags": {}}


def test_python_socketio_gets_its_own_json():
    channel, data = for_python_socketio("room0", 3, event_text("room0", 3, Message(0, 1, AT)))
    emit = json.loads(data)
    assert (channel, emit["method"], emit["room"], emit["data"]["seq"]) == ("socketio", "emit", "room0", 3)


def test_ws_gets_the_text_as_it_is():
    assert for_ws("room0", 3, "text") == ("room:room0", "text")


class Everybody:
    """Takes what is published, and has delivered it at once."""

    def __init__(self, members):
        self.members = members
        self.messages = []

    def publish(self, messages):
        self.messages += messages

    def close(self):
        pass

    def progress(self):
        return type("Progress", (), {"deliveries": self.members * len(self.messages)})


def test_a_rate_publishes_its_number_to_the_rooms_in_turn():
    taken = Everybody(1)
    pace(Published(taken, rooms=3, members=1), rate=500, seconds=0.1)
    assert [message.room for message in taken.messages] == [number % 3 for number in range(50)]
    assert [message.number for message in taken.messages] == list(range(50))
    steps = [later.at_us - earlier.at_us for earlier, later in zip(taken.messages, taken.messages[1:], strict=False)]
    assert set(steps) == {2000}


def test_a_saturated_server_never_has_more_than_the_window_on_its_way():
    class Nobody(Everybody):
        def progress(self):
            return type("Progress", (), {"deliveries": 0})

    taken = Nobody(10)
    saturate(Published(taken, rooms=1, members=10), taken, window=100, seconds=0.05)
    assert len(taken.messages) == 100


@pytest.mark.parametrize("lost", [0, 30])
def test_messages_that_reached_nobody_are_not_waited_for(lost):
    published = Published(Everybody(10), rooms=1, members=10, count=5, lost=lost)
    assert published.expected == 50 - lost
