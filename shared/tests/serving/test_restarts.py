"""A service that is stopped and started, seen from callers who connect all the time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

APPLICATION = """
import time
from pathlib import Path

from django.conf import settings

settings.configure()
READY = Path(__file__).with_name("ready")


def application(environ, start_response):
    if environ["PATH_INFO"] == "/readyz":
        start_response("200 OK" if READY.exists() else "503 Service Unavailable", [("Content-Length", "0")])
        return [b""]
    body = environ["wsgi.input"].read()
    time.sleep(0.005)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
CONFIGURATION = """
from pathlib import Path

from chatire_shared.serving.listeners import bind_only

worker_class = "chatire_shared.serving.worker.Worker"
on_starting = bind_only
workers = 2
threads = 2
graceful_timeout = 10
control_socket_disable = True


def when_ready(server):
    Path("bound").touch()
"""
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabcd"
PATIENCE_SECONDS = 20.0


class Service:
    """A tiny application under gunicorn, as our services run."""

    def __init__(self, folder: Path) -> None:
        (folder / "tiny.py").write_text(APPLICATION)
        (folder / "conf.py").write_text(CONFIGURATION)
        self._ready = folder / "ready"
        self.bound = folder / "bound"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        line = [
            sys.executable,
            "-m",
            "gunicorn",
            "tiny:application",
            "-c",
            "conf.py",
            "--bind",
            f"127.0.0.1:{self.port}",
        ]
        self.process = subprocess.Popen(line, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)})

    def become_ready(self) -> None:
        """Let `/readyz` answer 200."""
        self._ready.touch()

    def stop(self) -> None:
        """Ask gunicorn to stop."""
        self.process.send_signal(signal.SIGTERM)

    def answers(self) -> bool:
        """Whether a call works."""
        return call(self.port) == "answered"


def call(port: int) -> str:
    """One call over a connection of its own: `refused` before anything was sent, `answered`, or `cut`."""
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    except OSError:
        return "refused"
    with connection:
        try:
            connection.sendall(REQUEST)
            return "answered" if connection.recv(4096).startswith(b"HTTP/1.1 200") else "cut"
        except OSError:
            return "cut"


@contextmanager
def callers(port: int, count: int) -> Iterator[list[str]]:
    """Callers without a pause, and how each call went."""
    enough, outcomes = threading.Event(), []

    def go_on() -> None:
        while not enough.is_set():
            outcomes.append(call(port))

    threads = [threading.Thread(target=go_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        enough.set()
        for thread in threads:
            thread.join()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that is starting."""
    service = Service(tmp_path)
    yield service
    service.process.kill()
    service.process.wait()


def test_nobody_who_got_in_is_cut_off_when_a_service_stops(service: Service) -> None:
    """They are answered, or refused before they have sent anything: a caller may go elsewhere without a second thought."""
    service.become_ready()
    _until(service.answers)
    idle = socket.create_connection(("127.0.0.1", service.port))  # It keeps a worker for the whole time of its leaving.
    with idle, callers(service.port, 8) as outcomes:
        _until(lambda: outcomes.count("answered") > 100)
        service.stop()
        assert service.process.wait(PATIENCE_SECONDS) == 0
        _until(lambda: outcomes[-20:] == ["refused"] * 20)
    assert outcomes.count("cut") == 0


def test_a_kept_connection_is_served_once_more_and_then_closed(service: Service) -> None:
    """Its owner may be sending already when the service is told to stop."""
    service.become_ready()
    _until(service.answers)
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE_SECONDS)) as kept:
        assert _ask(kept) == ("keep-alive", b"abcd")
        service.stop()
        while (answer := _ask(kept)) == ("keep-alive", b"abcd"):
            pass  # It has not heard of it yet.
        assert answer == ("close", b"abcd")


def test_nobody_gets_in_before_a_service_can_serve(service: Service) -> None:
    """Whoever waited at a service that is starting would be late; refused, they go to another one."""
    _until(service.bound.exists)
    assert call(service.port) == "refused"
    service.become_ready()
    _until(service.answers)


def test_a_service_whose_needs_are_away_serves_what_it_can(service: Service) -> None:
    """Not ready for seconds: better an answer that says so than none."""
    _until(service.answers)


def _ask(connection: HTTPConnection) -> tuple[str | None, bytes]:
    """What becomes of the connection, and the body."""
    connection.request("POST", "/", b"abcd")
    answer = connection.getresponse()
    return answer.headers["Connection"], answer.read()


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not come to pass")
        time.sleep(0.01)
