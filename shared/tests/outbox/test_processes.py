"""The relay as a process, with everything that happens to processes."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg2
import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from chatire_shared.crash_points import FOLDER_NAME
from chatire_shared.outbox.models import OutboxRow
from chatire_shared.outbox.services import record
from chatire_shared.testing.faults import arm, is_armed
from chatire_shared.testing.servers import PostgresServer, ValkeyServer, free_port

pytestmark = pytest.mark.django_db(transaction=True)

MANAGE = Path(__file__).parents[1] / "manage.py"
STREAMS = [UUID(int=number) for number in range(1, 9)]


def test_database_url() -> str:
    parts = connection.settings_dict
    return f"postgresql://{parts['USER']}:{quote(parts['PASSWORD'])}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


test_database_url.__test__ = False  # type: ignore[attr-defined]


class Relays:
    """Relay processes on this test's database and Redis."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, database_url: str | None = None, **environment: str) -> subprocess.Popen[bytes]:
        known = {
            "CHATIRE_MESSAGES_DATABASE_URL": database_url or test_database_url(),
            "CHATIRE_REDIS_URL": django_settings.CHATIRE_REDIS_URL,
        }
        command = [sys.executable, str(MANAGE), "relay_outbox", *arguments]
        process = subprocess.Popen(command, env=os.environ | known | environment)
        self._running.append(process)
        return process

    def stop_all(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()


@pytest.fixture
def relays(valkey: ValkeyServer) -> Iterator[Relays]:
    relays = Relays()
    yield relays
    relays.stop_all()


def get(port: int, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def test_a_rung_relay_publishes_and_stops_on_sigterm(
    relays: Relays, ear: Any, write: Callable, until: Callable
) -> None:
    process = relays.start()
    write(STREAMS[0], 1, 2)
    until(lambda: ear.seqs(STREAMS[0]) == [1, 2])
    until(lambda: any(topic == "tick" and [str(STREAMS[0]), 2] in tick["heads"] for topic, tick in list(ear.heard)))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_the_sweep_finds_what_nobody_rang_for(relays: Relays, ear: Any, make_event: Callable, until: Callable) -> None:
    relays.start()
    until(lambda: any(topic == "tick" for topic, _ in list(ear.heard)))
    with transaction.atomic():
        record([make_event(STREAMS[0], 1)])
        connection.run_on_commit.clear()
    until(lambda: ear.seqs(STREAMS[0]) == [1])
    assert ear.rings == 0


@pytest.mark.parametrize("place", ["relay.before_publish", "relay.after_publish", "relay.after_delete"])
def test_a_relay_that_dies_anywhere_loses_nothing(
    relays: Relays, ear: Any, write: Callable, until: Callable, place: str, tmp_path: Path
) -> None:
    for stream in STREAMS:
        write(stream, *range(1, 11))
    arm(tmp_path, place)
    assert relays.start(**{FOLDER_NAME: str(tmp_path)}).wait(timeout=20) == -signal.SIGKILL
    assert not is_armed(tmp_path, place)
    relays.start(**{FOLDER_NAME: str(tmp_path)})
    until(lambda: all(ear.first_seqs(stream) == list(range(1, 11)) for stream in STREAMS))
    until(lambda: OutboxRow.objects.count() == 0)


def test_two_relays_of_which_one_is_killed_publish_everything_in_order(
    relays: Relays, ear: Any, write: Callable, until: Callable
) -> None:
    running = [relays.start(), relays.start()]
    for seq in range(1, 301):
        for stream in STREAMS:
            write(stream, seq)
        if seq % 100 == 50:  # Both are at work; the older one dies in the midst of it, and a new one comes.
            until(lambda seen=2 + seq // 100: relays_heard(ear) == seen)
        if seq % 100 == 60:
            running[0].kill()
            running = [running[1], relays.start()]
    until(lambda: all(ear.first_seqs(stream) == list(range(1, 301)) for stream in STREAMS))
    until(lambda: OutboxRow.objects.count() == 0)


def relays_heard(ear: Any) -> int:
    return len({tick["relay"] for topic, tick in list(ear.heard) if topic == "tick"})


def test_a_relay_that_is_killed_while_it_hangs_gives_its_streams_free(
    relays: Relays, ear: Any, write: Callable, until: Callable
) -> None:
    hung = relays.start()
    until(lambda: any(topic == "tick" for topic, _ in list(ear.heard)))
    hung.send_signal(signal.SIGSTOP)
    write(STREAMS[0], 1)
    relays.start()
    until(lambda: ear.seqs(STREAMS[0]) == [1])


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_rows_written_while_redis_is_away_go_when_it_returns(
    relays: Relays, valkey: ValkeyServer, ear: Any, write: Callable, until: Callable, fault: str
) -> None:
    port = free_port()
    relays.start("--health", f"127.0.0.1:{port}")
    until(lambda: get(port, "/readyz")[0] == 200)
    getattr(valkey, fault)()
    write(STREAMS[0], *range(1, 1001))
    until(lambda: get(port, "/readyz")[0] == 503)
    assert get(port, "/healthz")[0] == 200
    assert OutboxRow.objects.count() == 1000
    valkey.start() if fault == "kill" else valkey.resume()
    until(lambda: OutboxRow.objects.count() == 0)
    until(lambda: get(port, "/readyz")[0] == 200)


def test_health_and_metrics_are_for_those_inside(relays: Relays, write: Callable, until: Callable) -> None:
    port = free_port()
    relays.start("--health", f"127.0.0.1:{port}")
    until(lambda: get(port, "/readyz") == (200, "ready\n"))
    write(STREAMS[0], 1, 2, 3)
    until(lambda: "chatire_relay_published_total 3\n" in get(port, "/metrics")[1])
    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/metrics", **{"X-Forwarded-For": "10.0.0.1"})[0] == 404
    assert get(port, "/elsewhere")[0] == 404


def test_a_relay_survives_a_crash_of_postgresql(
    relays: Relays, ear: Any, make_event: Callable, until: Callable
) -> None:
    server, port = PostgresServer(), free_port()
    try:
        server.start()
        environment = os.environ | {"CHATIRE_MESSAGES_DATABASE_URL": server.url}
        subprocess.run([sys.executable, str(MANAGE), "migrate", "-v0"], env=environment, check=True)
        relays.start("--health", f"127.0.0.1:{port}", database_url=server.url)
        until(lambda: get(port, "/readyz")[0] == 200)
        server.kill()
        until(lambda: get(port, "/readyz")[0] == 503)
        ticks = len(ear.heard)
        until(lambda: len(ear.heard) > ticks)  # It goes on ticking.
        server.start()
        insert(server.url, make_event(STREAMS[0], 1))
        until(lambda: ear.seqs(STREAMS[0]) == [1])
    finally:
        server.destroy()


def insert(url: str, entry: Any) -> None:
    session = psycopg2.connect(url)
    with session, session.cursor() as cursor:
        cursor.execute(
            "INSERT INTO outbox_row (stream, topic, seq, payload) VALUES (%s, %s, %s, %s)",
            [str(entry.stream), entry.topic, entry.seq, entry.payload],
        )
    session.close()


def test_an_address_without_a_port_is_refused(relays: Relays) -> None:
    assert relays.start("--health", "localhost").wait(timeout=20) == 1
