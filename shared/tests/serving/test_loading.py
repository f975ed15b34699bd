"""An application under gunicorn is loaded once, before its workers are forked; what a fork would break is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

APPLICATION = """
import os
import threading

from django.conf import settings

settings.configure(ROOT_URLCONF="views")
if os.environ.get("BEGINS_EARLY"):
    threading.Thread(target=threading.Event().wait, name="early bird", daemon=True).start()
LOADED_BY = os.getpid()


def application(environ, start_response):
    start_response("200 OK", [("Connection", "close")])
    return [f"{LOADED_BY} {os.getpid()}".encode()]
"""
VIEWS = "import os\nprint('views loaded by', os.getpid(), flush=True)\n"
CONFIGURATION = """
from chatire_shared.serving import loading

worker_class = "chatire_shared.serving.worker.Worker"
preload_app = True
on_starting = loading.on_starting
workers = 2
control_socket_disable = True
"""
PATIENCE_SECONDS = 20.0


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def line(tmp_path: Path, port: int) -> list[str]:
    """How the application is started."""
    for name, text in {"early.py": APPLICATION, "views.py": VIEWS, "conf.py": CONFIGURATION}.items():
        (tmp_path / name).write_text(text)
    return [sys.executable, "-m", "gunicorn", "early:application", "-c", "conf.py", "--bind", f"127.0.0.1:{port}"]


@pytest.fixture
def process(line: list[str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The application, started."""
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.send_signal(signal.SIGTERM)


def answer(port: int) -> list[int]:
    """Who loaded the application, and who answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        asking = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            asking.request("GET", "/")
            return [int(word) for word in asking.getresponse().read().split()]
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        finally:
            asking.close()


def test_workers_are_forked_from_who_loaded_application_and_views(process: subprocess.Popen[str], port: int) -> None:
    loader, worker = answer(port)
    assert loader == process.pid != worker
    assert process.stdout is not None
    assert process.stdout.readline() == f"views loaded by {process.pid}\n"


def test_worker_that_died_is_replaced_from_what_is_loaded(process: subprocess.Popen[str], port: int) -> None:
    killed = set()
    while len(killed) < 2:
        worker = answer(port)[1]
        os.kill(worker, signal.SIGKILL)
        killed.add(worker)
    loader, worker = answer(port)
    assert loader == process.pid
    assert worker not in killed


def test_what_begins_while_loading_is_refused_by_its_name(line: list[str], tmp_path: Path, port: int) -> None:
    environment = os.environ | {"BEGINS_EARLY": "1"}
    refused = subprocess.run(
        line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert refused.returncode != 0
    assert "begun while the application was loaded: early bird" in refused.stderr
