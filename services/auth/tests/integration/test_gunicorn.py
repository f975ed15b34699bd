"""The service as it is started for real: gunicorn with its own configuration, on the session's servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection

from chatire_shared.testing.servers import free_port

SERVICE = Path(__file__).parents[2]
pytestmark = pytest.mark.django_db(transaction=True)


class Served:
    """A running gunicorn and what it logged."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log
        database = os.environ["CHATIRE_AUTH_DATABASE_URL"].rpartition("/")[0]
        environment = {
            **os.environ,
            "CHATIRE_AUTH_DATABASE_URL": f"{database}/{connection.settings_dict['NAME']}",
            "CHATIRE_LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": "auth_service.settings",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "HOME": str(log.parent),
        }
        command = [sys.executable, "-m", "gunicorn", "auth_service.wsgi:application"]
        command += ["-c", str(SERVICE / "gunicorn.conf.py"), "--bind", f"127.0.0.1:{self.port}", "--workers", "1"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        pytest.fail(self._log.read_text())

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path / "gunicorn.log")
    try:
        served.wait_until_ready()
        yield served
    finally:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait(20)


def test_it_serves_logs_json_without_secrets_and_stops_cleanly(served: Served, tmp_path: Path) -> None:
    body = {"username": "ada", "email": "ada@example.org", "password": "canary horse battery staple"}
    made = requests.post(f"{served.url}/api/auth/register/", json=body, timeout=10)
    wrong = requests.post(
        f"{served.url}/api/auth/token/", json={"username": "canary-name", "password": "canary-word"}, timeout=10
    )
    again = requests.post(f"{served.url}/api/auth/token/refresh/", json={"refresh": made.json()["refresh"]}, timeout=10)
    lost = requests.get(f"{served.url}/nowhere?canary-query", timeout=10)

    assert [answer.status_code for answer in (made, wrong, again, lost)] == [201, 401, 200, 404]
    assert served.stop() == 0
    lines = served.lines()
    assert "sign-in failed" in {line["message"] for line in lines}
    assert {line["service"] for line in lines} == {"auth"}
    text = json.dumps(lines)
    for secret in ("canary", made.json()["access"], made.json()["refresh"], again.json()["refresh"]):
        assert secret not in text
    assert not (tmp_path / ".gunicorn").exists(), "no control socket in the home folder"


def test_a_chunked_body_is_read_and_a_too_large_one_refused(served: Served) -> None:
    def chunks(text: bytes) -> Iterator[bytes]:
        yield text[:10]
        yield text[10:]

    url = f"{served.url}/api/auth/token/"
    headers = {"Content-Type": "application/json"}
    sent = [b'{"username": "nobody", "password": "x"}', b'{"username": "' + b"x" * 1_100_000 + b'"}']
    answers = [requests.post(url, data=chunks(text), headers=headers, timeout=10).json()["code"] for text in sent]

    assert answers == ["invalid_credentials", "too_large"]
