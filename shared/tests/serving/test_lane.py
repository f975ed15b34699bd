"""A caller with a lane of his own is answered as before, only sooner; and whatever isn't for the lane goes the usual way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatire_shared.serving import lane
from chatire_shared.serving.lane import NotForLane

APPLICATION = """
import threading

from chatire_shared.serving import lane


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/often":
        lane.offer()
    text = f"usual {environ['PATH_INFO']} ".encode() + body
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]


def in_lane(first_line, headers, body):
    if first_line != b"POST /often HTTP/1.1" or b"x-strange" in headers:
        return None
    text = b"lane " + body
    return b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(text) + text


application.lane = in_lane
"""
CONFIGURATION = """
from django.conf import settings

settings.configure(DATABASES={})
worker_class = "chatire_shared.serving.worker.Worker"
threads = 2
graceful_timeout = 10
control_socket_disable = True
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("lane")
    (folder / "tiny.py").write_text(APPLICATION)
    (folder / "conf.py").write_text(CONFIGURATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    line = [sys.executable, "-m", "gunicorn", "tiny:application", "-c", "conf.py", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(line, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    yield port
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


class Caller:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, body: bytes, path: str = "/often", extra: str = "") -> None:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)

    def answer(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65_536)
        return body

    def call(self, body: bytes, path: str = "/often", extra: str = "") -> bytes:
        self.send(body, path, extra)
        return self.answer()


@pytest.fixture
def caller(port: int) -> Iterator[Caller]:
    caller = Caller(port)
    yield caller
    caller.socket.close()


def test_who_keeps_calling_gets_the_lane(caller: Caller) -> None:
    assert caller.call(b"1") == b"usual /often 1"
    assert [caller.call(b"%d" % number) for number in range(2, 9)] == [b"lane %d" % number for number in range(2, 9)]


def test_who_pauses_goes_the_usual_way_and_gets_it_again(caller: Caller) -> None:
    caller.call(b"1")
    time.sleep(lane.STAY_SECONDS * 3)
    assert caller.call(b"2") == b"usual /often 2"
    assert caller.call(b"3") == b"lane 3"


def test_another_call_on_the_same_connection_is_answered_the_usual_way(caller: Caller) -> None:
    caller.call(b"1")
    assert caller.call(b"2", "/seldom") == b"usual /seldom 2"
    assert caller.call(b"3") == b"usual /often 3"
    assert caller.call(b"4", extra="X-Strange: yes\r\n") == b"usual /often 4"
    assert caller.call(b"5", extra="Accept: a\r\nAccept: b\r\n") == b"usual /often 5"


def test_a_call_may_come_in_pieces_or_be_large(caller: Caller) -> None:
    large = os.urandom(3_000_000)  # Made beforehand: on a busy machine it takes longer than the lane is kept.
    caller.call(b"1")
    assert caller.call(large) == b"lane " + large
    caller.socket.sendall(b"POST /often HTTP/1.1\r\nContent-Le")
    time.sleep(0.02)
    caller.socket.sendall(b"ngth: 3\r\nHost: x\r\n\r\na")
    time.sleep(0.02)
    caller.socket.sendall(b"bc")
    assert caller.answer().endswith(b" abc")


def test_one_lane_leaves_the_other_threads_to_everybody_else(port: int, caller: Caller) -> None:
    caller.call(b"1")
    enough = threading.Event()

    def keep_calling() -> None:
        while not enough.is_set():
            caller.call(b"x")

    busy = threading.Thread(target=keep_calling)
    busy.start()
    try:
        for _ in range(30):
            other = Caller(port)
            assert other.call(b"y") == b"usual /often y"
            other.socket.close()
    finally:
        enough.set()
        busy.join()


def test_two_who_leave_in_the_middle_cost_nobody_a_thread(port: int) -> None:
    for _ in range(4):
        leaving = Caller(port)
        leaving.call(b"1")
        leaving.socket.sendall(b"POST /often HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        leaving.socket.close()
    other = Caller(port)
    assert other.call(b"y") == b"usual /often y"
    other.socket.close()


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 9_000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nabPOST / HTTP/1.1",
    ],
)
def test_what_is_not_just_one_plain_call_is_given_back_whole(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        with pytest.raises(NotForLane) as given_back:
            lane.serve(ours, lambda *_: b"")
        assert given_back.value.data == data
