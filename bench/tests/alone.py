"""Our gateway by itself, for rows that measure nothing else: real processes of it, with fakes for neighbours."""

import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress

from chatire_bench.bench import Bench
from chatire_bench.contender import Running
from chatire_bench.loadgen import Line
from chatire_bench.ours import Chatire
from chatire_bench.publishing import Counting, ToChatire
from chatire_bench.stack import Processes
from chatire_local.ports import free_ports
from chatire_shared.testing.alone import Alone

READY_SECONDS = 60


class Gateways:
    """As much of a `Stack` as these rows ask for.

    Attributes:
        remade: The settings of each start.
    """

    def __init__(self, alone, data):
        self.alone = alone
        self.data = data
        self.remade = []
        self._processes = {}
        self._ports = []

    @contextmanager
    def running(self, counts):
        """So many gateways, from the first `remake` on: before that nobody asks."""
        self._ports = free_ports(counts.gateways)
        try:
            yield
        finally:
            self.stop()

    def remake(self, part, settings):
        assert part == "gateway"
        self.stop()
        self.remade.append(settings)
        environment = os.environ | self.alone.environment | {"CHATIRE_LIMITS": "off"} | dict(settings)
        module = [sys.executable, "-m", "gateway_service.server", "--bind", "127.0.0.1", "--port"]
        for number, port in enumerate(self._ports, 1):
            with (self.data / f"gateway-{number}.log").open("wb") as log:
                self._processes[f"gateway-{number}"] = subprocess.Popen(
                    [*module, str(port)], env=environment, stderr=log
                )
        for port in self._ports:
            _until_ready(port)

    def stop(self):
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait(30)
        self._processes = {}

    def ports(self, service):
        assert service == "gateway"
        return self._ports

    @property
    def pids(self):
        return {name: process.pid for name, process in self._processes.items()}


class Ours(Chatire):
    """Ours, with people and rooms that the fakes know."""

    def among(self, shape):
        auth, messages = self.stack.alone.auth, self.stack.alone.messages
        if shape not in self.populations:
            rooms = [[auth.register(f"p{room}.{n}") for n in range(shape.members)] for room in range(shape.rooms)]
            self.populations[shape] = {messages.begin(*people): people for people in rooms}
        rooms, ports = self.populations[shape], self.stack.ports("gateway")
        lines = [
            Line(ports[number % len(ports)], room, "/ws", conversation, auth.token(user))
            for room, (conversation, people) in enumerate(rooms.items())
            for number, user in enumerate(people)
        ]
        logs = [messages.logs[conversation] for conversation in rooms]
        url, epochs = self.stack.alone.environment["CHATIRE_REDIS_URL"], {log.id: log.epoch for log in logs}
        return Running(
            protocol="chatire",
            lines=lines,
            parts=self.stack.pids,
            measured="gateway-1",
            publisher=lambda: ToChatire(url, Counting(list(rooms), [log.last_seq for log in logs]), epochs),
        )


class Short(Bench):
    """A quick run's sizes, and shorter still."""

    def seconds(self, full):
        return min(full, 0.3)


@contextmanager
def bench_alone(folder, command, pairs=1):
    """What a row gets; no servers of peers."""
    with Alone("gateway") as alone:
        bench = Short(folder, pairs, quick=True, servers=None, tell=lambda _text: None, command=command)
        bench.ours = Ours(Gateways(alone, folder), Processes())
        try:
            yield bench
        finally:
            bench.close()


def _until_ready(port):
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
            return
        assert time.monotonic() < deadline, "a gateway does not become ready"
        time.sleep(0.05)
