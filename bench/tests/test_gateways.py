"""The row `gateways`: one, two on ports of their own, two on one port; who has which sockets, and what they deliver."""

import os
import socket
from contextlib import closing, contextmanager

import pytest

from chatire_bench.contender import Running, Shape
from chatire_bench.figures import OURS, Row
from chatire_bench.loadgen import Line
from chatire_bench.rows import gateways, rooms

SHAPE = Shape(10, 10)
CADDY_NEEDS_A_STACK = {gateways.CADDY}


def test_one_and_two_gateways_deliver_everything_and_share_the_sockets(alone, monkeypatch):
    ways = gateways._ways
    monkeypatch.setattr(rooms, "QUICK_SHAPE", SHAPE)
    monkeypatch.setattr(
        gateways, "_ways", lambda ours, count: [way for way in ways(ours, count) if way[0] not in CADDY_NEEDS_A_STACK]
    )
    row = gateways.run(alone)
    assert row.wrong == []
    title = "10 rooms of 10"
    for name in (f"deliveries, {title}", f"deliveries a second, {title}"):
        found = row.figures[name].samples
        assert set(found) == {OURS, gateways.PORTS, gateways.PORT}
        assert all(value > 0 for (value,) in found.values())
    spread = row.figures[f"spread, {title}"].samples
    assert set(spread) == {gateways.PORTS, gateways.PORT}
    # In turn to two ports: fifty each, and a handful of connections to neighbours.
    assert 1 <= spread[gateways.PORTS][0] < 1.25
    # A hundred sockets that the kernel throws a coin for: that one process gets more than five times the other's is no coin.
    assert 1 <= spread[gateways.PORT][0] < 5


def test_there_is_one_way_to_one_gateway_and_three_to_two(alone):
    assert [name for name, _started in gateways._ways(alone.ours, 1)] == [gateways.SINGLE]
    names = [name for name, _started in gateways._ways(alone.ours, 2)]
    assert names == [gateways.PORTS, gateways.CADDY, gateways.PORT]


def test_sockets_go_to_the_ports_in_turn():
    lines = [Line(1, 0, "/ws", conversation=f"c{number}") for number in range(5)]
    spread = gateways._lines(Running("chatire", lines, {}, ""), [7, 8])
    assert [line.port for line in spread] == [7, 8, 7, 8, 7]
    assert [line.conversation for line in spread] == [line.conversation for line in lines]


def test_who_listens_and_how_many_are_connected_is_read_from_the_kernel():
    pid = os.getpid()
    listening, connected = gateways._listening(pid), gateways._connected(pid)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        assert gateways._listening(pid) == listening + 1
        with closing(socket.create_connection(server.getsockname())), closing(server.accept()[0]):
            assert gateways._connected(pid) == connected + 2
    assert (gateways._listening(pid), gateways._connected(pid)) == (listening, connected)


@pytest.mark.parametrize(("shape", "title"), [(Shape(1, 500), "one room of 500"), (Shape(20, 10), "20 rooms of 10")])
def test_rooms_are_named_as_people_count_them(shape, title):
    assert gateways._title(shape) == title


@pytest.mark.parametrize(
    ("name", "sockets", "contender", "spread"),
    [
        (gateways.SINGLE, [100], OURS, None),
        (gateways.PORT, [90, 30], gateways.PORT, 3),
        (gateways.PORTS, [5, 0], gateways.PORTS, 5),
    ],
)
def test_figures_are_of_all_gateways_together(alone, monkeypatch, name, sockets, contender, spread):
    pids = list(range(len(sockets)))
    spent = iter([1.0] * len(pids) + [3.0] * len(pids))  # Two CPU-seconds each.
    monkeypatch.setattr(gateways, "cpu_seconds", lambda _pid: next(spent))
    monkeypatch.setattr(gateways, "_connected", lambda pid: sockets[pid])
    monkeypatch.setattr(gateways, "reach_everybody", lambda *_: None)
    monkeypatch.setattr(gateways, "saturate", lambda published, load, *_: load.deliver(published, 400))
    monkeypatch.setattr(type(alone), "load", lambda *_: Delivering.opened())
    row = Row("gateways", "")
    running = Running("chatire", [Line(1, 0, "/ws")], {}, "", publisher=Delivering)
    gateways._measure(alone, row, name, running, ([1], pids), Shape(1, 1), window=8)
    assert row.wrong == []
    (cost,) = row.figures["deliveries, one room of 1"].samples[contender]
    assert cost == 400 / (2 * len(pids))
    found = row.figures.get("spread, one room of 1")
    assert (found and found.samples) == ({contender: [spread]} if spread else None)


class Delivering:
    """A load generator, and a publisher, to which everything comes that is said to."""

    def __init__(self):
        self.deliveries = 0

    @classmethod
    @contextmanager
    def opened(cls):
        yield cls()

    def deliver(self, published, count):
        published.count += count
        self.deliveries += count

    def tell(self, _command):
        pass

    def progress(self):
        return self

    def until(self, _deliveries, _seconds):
        return True

    def report(self):
        return dict.fromkeys(("jumps", "backwards", "closed", "malformed", "deliveries"), 0)

    def close(self):
        pass
