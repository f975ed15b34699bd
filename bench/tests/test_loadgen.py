"""Both load generators against a server written with `websockets`, and the compiled one against bare bytes."""

import contextlib
import json
import socket
import threading
import time

import pytest
from stand import Behaviour, standing

from chatire_bench.errors import BenchError
from chatire_bench.loadgen import Line, Loadgen

PATHS = {"chatire": "/{}", "plain": "/{}", "socketio": "/socket.io/?EIO=4&transport=websocket&room={}"}


def lines(protocol, port, rooms=2, members=3):
    return [
        Line(port, room, PATHS[protocol].format(f"room{room}"), f"room{room}", f"token{room}.{member}")
        for room in range(rooms)
        for member in range(members)
    ]


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


def connected(load, stand):
    """Connect, and wait until the stand has everybody in their rooms: a 101 is sent before."""
    answer = load.connect(at_once=2)
    until(lambda: sum(map(len, stand.rooms.values())) == load.count)
    return answer


def settled(load, deliveries):
    """The report once all is answered and everything came that is to come, given how many were sent."""

    def is_settled():
        report = load.report()
        return report["outstanding"] == 0 and report["deliveries"] == deliveries(report["sent"])

    load.tell("stop")
    until(is_settled)
    return load.report()


@pytest.mark.parametrize("protocol", PATHS)
def test_what_is_sent_comes_to_every_member_in_order_and_is_acknowledged(command, protocol):
    with standing(protocol) as (stand, port, _), Loadgen(command, protocol, lines(protocol, port)) as load:
        connected(load, stand)
        load.tell("closed 4")
        until(lambda: load.progress().acked >= 100)
        report = settled(load, lambda sent: 3 * sent)
    assert report["acked"] == report["sent"] == sum(stand.seqs.values())
    assert report["deliveries"] == 3 * report["sent"]
    assert report["last_member"]["count"] == report["sent"]
    assert (report["jumps"], report["backwards"], report["outstanding"], report["malformed"]) == (0, 0, 0, 0)
    assert report["handshake"]["count"] == 6


def test_a_rate_is_held_whatever_comes_back(command):
    with standing("plain") as (stand, port, _), Loadgen(command, "plain", lines("plain", port)) as load:
        connected(load, stand)
        load.tell("rate 200")
        began = time.monotonic()
        until(lambda: load.progress().sent >= 100)
        took = time.monotonic() - began
        load.tell("stop")
    assert took >= 0.45  # a hundred at 200 a second can't go faster; slower they may, on a busy machine


def test_what_is_lost_shows_as_a_jump(command):
    with (
        standing("plain", Behaviour(skip={5})) as (stand, port, _),
        Loadgen(command, "plain", lines("plain", port, rooms=1)) as load,
    ):
        connected(load, stand)
        load.tell("closed 1")
        until(lambda: load.progress().acked >= 10)
        report = settled(load, lambda sent: 3 * (sent - 1))
    assert (report["jumps"], report["backwards"]) == (3, 0)


def test_what_comes_twice_shows_as_a_step_back(command):
    with (
        standing("plain", Behaviour(double={5})) as (stand, port, _),
        Loadgen(command, "plain", lines("plain", port, rooms=1)) as load,
    ):
        connected(load, stand)
        load.tell("closed 1")
        until(lambda: load.progress().acked >= 10)
        report = settled(load, lambda sent: 3 * (sent + 1))
    assert (report["jumps"], report["backwards"]) == (0, 3)


def test_a_refused_message_is_no_acknowledged_one(command):
    with (
        standing("plain", Behaviour(refuse_messages=True)) as (stand, port, _),
        Loadgen(command, "plain", lines("plain", port)) as load,
    ):
        connected(load, stand)
        load.tell("closed 2")
        until(lambda: load.report()["refused"] >= 5)
        assert load.report()["acked"] == 0


def test_who_is_sent_away_comes_again(command):
    with (
        standing("plain", Behaviour(refuse_handshakes=3)) as (stand, port, _),
        Loadgen(command, "plain", lines("plain", port)) as load,
    ):
        answer = connected(load, stand)
    assert (answer["ready"], answer["later"], answer["failed"]) == (6, 3, 0)


def test_a_connection_that_cannot_be_opened_is_an_error(command):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with Loadgen(command, "plain", lines("plain", port)) as load, pytest.raises(BenchError, match="0 of 6"):
            load.connect()


def test_a_token_is_sent_and_a_cursor_after_a_drop(command):
    with (
        standing("chatire") as (stand, port, call),
        Loadgen(command, "chatire", lines("chatire", port, rooms=1)) as load,
    ):
        connected(load, stand)
        call(stand.say("room0", "one"))
        until(lambda: load.progress().deliveries == 3)
        load.tell("drop")
        until(lambda: not stand.rooms["room0"])
        call(stand.say("room0", "two"))
        call(stand.say("room0", "three"))
        load.ask("resume 10")
        until(lambda: load.progress().deliveries == 9)
        report = load.report()
    assert sorted(stand.tokens) == sorted([f"token0.{member}" for member in range(3)] * 2)
    assert stand.cursors == [None] * 3 + [{"room0": 1}] * 3
    assert (report["jumps"], report["backwards"]) == (0, 0)


def test_events_from_outside_are_timed_by_their_marker(command):
    with standing("plain") as (stand, port, call), Loadgen(command, "plain", lines("plain", port, rooms=1)) as load:
        connected(load, stand)
        at_us = time.monotonic_ns() // 1000 - 5_000_000
        call(stand.say("room0", f"n^7={at_us}^ from outside"))
        until(lambda: load.progress().deliveries == 3)
        found = load.report()["delivery"]
    assert found["count"] == 3
    assert 5_000_000 <= found["p50_us"] < 15_000_000


def frame(text):
    payload = text.encode()
    head = bytes([0x81, len(payload)]) if len(payload) < 126 else b"\x81\x7e" + len(payload).to_bytes(2, "big")
    return head + payload


@contextlib.contextmanager
def bare(pieces):
    """A server of bytes: after the upgrade it writes these pieces, each by itself, and waits for the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            client, _ = listener.accept()
            with client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while b"\r\n\r\n" not in client.recv(65536):
                    pass
                for piece in pieces:
                    client.sendall(piece)
                client.settimeout(10)
                while client.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def event(seq, padding):
    return json.dumps({"type": "event", "seq": seq, "kind": "message.created", "data": {"body": "x" * padding}})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_frames_are_read_whole_however_they_are_cut(compiled, size):
    sizes = (0, 30, 31, 70, 200, 20_000, 60_000)
    stream = UPGRADED + b"".join(frame(event(seq, padding)) for seq, padding in enumerate(sizes, start=1))
    stream = stream if size > 7 else UPGRADED + b"".join(frame(event(seq, seq * 30)) for seq in range(1, 8))
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    with bare(pieces) as port, Loadgen(compiled, "plain", [Line(port, 0, "/")]) as load:
        load.connect()
        until(lambda: load.progress().deliveries == 7)
        report = load.report()
    assert (report["jumps"], report["backwards"], report["malformed"]) == (0, 0, 0)


@pytest.mark.parametrize(
    "broken", [b"\x81\x85abcd", b"\xc1\x01a", b"\x91\x01a"], ids=["masked", "compressed", "reserved"]
)
def test_what_is_no_frame_of_a_server_ends_the_connection(compiled, broken):
    with bare([UPGRADED, broken]) as port, Loadgen(compiled, "plain", [Line(port, 0, "/")]) as load:
        load.ask("connect 1")
        until(lambda: load.progress().closed == 1)
        assert load.report()["malformed"] == 1


def answer(text, *, chunked):
    if chunked:
        return (
            f"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n{len(text):x}\r\n{text}\r\n0\r\n\r\n"
        ).encode()
    return f"HTTP/1.1 201 Created\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


@pytest.mark.parametrize("chunked", [False, True])
def test_posts_over_http_are_counted_by_their_answers(compiled, chunked):
    bodies = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            client, _ = listener.accept()
            with client, client.makefile("rb") as incoming:
                while line := incoming.readline():
                    headers = {}
                    while (header := incoming.readline().decode().strip()) != "":
                        name, _, value = header.partition(": ")
                        headers[name.lower()] = value
                    bodies.append((line, headers["authorization"], incoming.read(int(headers["content-length"]))))
                    client.sendall(answer('{"seq": 1}', chunked=chunked))

        thread = threading.Thread(target=serve)
        thread.start()
        with Loadgen(compiled, "http", [Line(listener.getsockname()[1], 0, "/post/", "", "word")]) as load:
            load.connect()
            load.tell("closed 1")
            until(lambda: load.progress().acked >= 20)
            report = settled(load, lambda _sent: 0)
        thread.join(10)
    assert (report["refused"], report["malformed"], report["closed"]) == (0, 0, 0)
    assert report["acked"] == len(bodies)
    line, authorization, body = bodies[0]
    assert (line, authorization) == (b"POST /post/ HTTP/1.1\r\n", "Bearer word")
    assert json.loads(body)["body"].startswith("n^0=")
    assert len({json.loads(body)["client_id"] for _, _, body in bodies}) == len(bodies)
