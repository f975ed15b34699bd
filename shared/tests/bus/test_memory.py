"""The bus in memory, and what tests can do to it."""

import pytest
from waiting import eventually

from chatire_shared.bus.memory import MemoryBroker, MemoryBus
from chatire_shared.bus.port import Bus, BusUnavailable


class Gateway:
    """A bus with what it has heard."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.bus: Bus = MemoryBus(broker)
        self.heard: list[int] = []
        self.states: list[bool] = []

    async def start(self, *groups: str) -> "Gateway":
        await self.bus.start(lambda message: self.heard.append(message["n"]), self.states.append)
        await self.bus.subscribe(groups)
        return self


def number(n: int) -> dict[str, object]:
    return {"type": "test", "n": n}


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


async def test_every_subscribed_bus_hears_a_message_in_order(broker: MemoryBroker) -> None:
    berlin, lyon = await Gateway(broker).start("conv.1"), await Gateway(broker).start("conv.1", "conv.2")
    for n, group in enumerate(["conv.1", "conv.2", "conv.1"]):
        await berlin.bus.publish(group, number(n))
    await eventually(lambda: berlin.heard == [0, 2] and lyon.heard == [0, 1, 2])


async def test_a_message_does_not_arrive_within_the_call_that_published_it(broker: MemoryBroker) -> None:
    berlin = await Gateway(broker).start("conv.1")
    await berlin.bus.publish("conv.1", number(1))
    assert berlin.heard == []


async def test_nothing_arrives_after_unsubscribe(broker: MemoryBroker) -> None:
    berlin = await Gateway(broker).start("conv.1", "conv.2")
    await berlin.bus.publish("conv.1", number(1))
    await berlin.bus.unsubscribe(["conv.1"])
    await berlin.bus.publish("conv.2", number(2))
    await eventually(lambda: berlin.heard == [2])


async def test_messages_can_be_lost_and_repeated(broker: MemoryBroker) -> None:
    berlin = await Gateway(broker).start("conv.1")
    copies = iter([0, 2, 1])
    broker.interfere = lambda item: [item] * next(copies)
    for n in range(3):
        await berlin.bus.publish("conv.1", number(n))
    await eventually(lambda: berlin.heard == [1, 1, 2])


async def test_messages_can_be_reordered(broker: MemoryBroker) -> None:
    berlin = await Gateway(broker).start("conv.1")
    broker.hold()
    for n in range(3):
        await berlin.bus.publish("conv.1", number(n))
    broker.release(reversed)
    await eventually(lambda: berlin.heard == [2, 1, 0])


async def test_what_is_published_during_a_cut_is_lost_and_the_state_tells(broker: MemoryBroker) -> None:
    berlin, lyon = await Gateway(broker).start("conv.1"), await Gateway(broker).start("conv.1")
    lyon.bus.disconnect()  # type: ignore[attr-defined]
    await berlin.bus.publish("conv.1", number(1))
    with pytest.raises(BusUnavailable):
        await lyon.bus.publish("conv.1", number(2))
    with pytest.raises(BusUnavailable):
        await lyon.bus.subscribe(["conv.2"])
    broker.reconnect_all()
    await berlin.bus.publish("conv.2", number(3))
    await eventually(lambda: lyon.heard == [3])
    assert (lyon.states, berlin.states) == ([True, False, True], [True])


async def test_a_receiver_that_fails_does_not_stop_the_next_message(broker: MemoryBroker) -> None:
    heard: list[int] = []

    def fragile(message: dict[str, int]) -> None:
        if message["n"] == 1:
            raise ZeroDivisionError
        heard.append(message["n"])

    bus = MemoryBus(broker)
    await bus.start(fragile, lambda _: None)
    await bus.subscribe(["conv.1"])
    await bus.publish("conv.1", number(1))
    await bus.publish("conv.1", number(2))
    await eventually(lambda: heard == [2])
