"""Each part has a line of its own to each server; one can be cut, led elsewhere and healed while the others are well."""

from __future__ import annotations

import socket
import threading

import pytest

from chatire_faults.detours import LINES, Detours
from chatire_faults.proxy import GOOD, Conditions

PASSWORD = "redis://:secret@"


class Server:
    """Says its name to whoever connects."""

    def __init__(self, name):
        self._name = name
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            line.sendall(self._name)
            line.close()

    def stop(self):
        self._socket.close()


@pytest.fixture
def valkey():
    server = Server(b"valkey")
    yield server
    server.stop()


@pytest.fixture
def known(valkey):
    return {"redis_url": f"{PASSWORD}127.0.0.1:{valkey.address[1]}/0"}


@pytest.fixture
def detours(known):
    with Detours.opened(lambda: known) as detours:
        yield detours


def heard(detours, part, setting="CHATIRE_REDIS_URL"):
    host, port = detours.environment[part][setting].removeprefix("@").split(":")
    try:
        with socket.create_connection((host, int(port)), timeout=10) as line:
            return line.recv(100)
    except ConnectionResetError:
        return b"reset"


def test_every_part_has_a_way_of_its_own_for_every_server(detours):
    ways = [way for part in LINES for way in detours.environment[part].values()]
    assert len(set(ways)) == len(ways) == sum(map(len, LINES.values()))


def test_a_line_that_is_cut_is_cut_for_one_part_alone_until_it_is_healed(detours):
    detours.become("gateway-1", "valkey", Conditions(refused=True))
    assert heard(detours, "gateway-1") == b"reset"
    assert heard(detours, "gateway-2") == heard(detours, "relay") == b"valkey"
    detours.become("gateway-1", "valkey", GOOD)
    assert heard(detours, "gateway-1") == b"valkey"


def test_a_server_can_be_replaced_for_all_at_once(detours):
    other = Server(b"another")
    detours.lead("valkey", other.address)
    assert {heard(detours, part) for part, servers in LINES.items() if "valkey" in servers} == {b"another"}
    other.stop()


def test_where_nothing_is_known_yet_nobody_answers(detours, known):
    known.clear()
    assert heard(detours, "relay") == b"reset"
    assert heard(detours, "messages", "CHATIRE_AUTH_URL") == b"reset"
