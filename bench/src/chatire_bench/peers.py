"""The peers, each as its own documentation would have it run. Their programs are in bench/peers/."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from chatire_bench.contender import Running, Shape
from chatire_bench.loadgen import Line
from chatire_bench.places import NODE_PEERS, PYTHON_PEERS
from chatire_bench.publishing import (
    Counting,
    Encode,
    Publisher,
    ToChannels,
    ToRedis,
    for_python_socketio,
    for_socketio,
    for_ws,
)
from chatire_bench.servers import Servers
from chatire_bench.starting import run_once, started
from chatire_local.ports import free_ports

OFTEN = sys.maxsize
ONCE = 1
LAYERS = {"core": "channels_redis.core.RedisChannelLayer", "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer"}


def _names(shape: Shape) -> list[str]:
    return [f"room{number}" for number in range(shape.rooms)]


def _lines(shape: Shape, port: int, path: Callable[[str], str]) -> list[Line]:
    return [
        Line(port, number, path(name), conversation=name)
        for number, name in enumerate(_names(shape))
        for _member in range(shape.members)
    ]


@dataclass
class Peer:
    """One peer.

    Attributes:
        command: Makes its command of a port.
        path: Makes the URL's path of a room's name.
        encode: How a message is published to it over Redis; None: some other way, or none.
        layer: Which channel layer it uses, for the tutorial.
        prepare: A command to be run before it starts.
    """

    name: str
    servers: Servers
    command: Callable[[int], list[str]]
    folder: Path
    protocol: str
    path: Callable[[str], str]
    environment: dict[str, str]
    encode: Encode | None = None
    layer: str | None = None
    runs: int = OFTEN
    prepare: list[str] | None = None

    @contextmanager
    def running(self, shape: Shape) -> Iterator[Running]:
        """See `Contender`."""
        (port,) = free_ports(1)
        self.servers.clear(_names(shape))
        addresses = {"REDIS_URL": self.servers.redis_url, "DATABASE_URL": self.servers.database_url}
        environment = addresses | {"PORT": str(port)} | self.environment
        if self.prepare:
            run_once(self.prepare, environment, self.folder)
        with started(self.command(port), port, environment, self.folder) as child:
            yield Running(
                protocol=self.protocol,
                lines=_lines(shape, port, self.path),
                parts={"server": child.pid, **self.servers.pids},
                measured="server",
                publisher=self._publisher(shape),
                stored=self.servers.messages,
            )

    def _publisher(self, shape: Shape) -> Callable[[], Publisher] | None:
        rooms, url = Counting(_names(shape)), self.servers.redis_url
        if self.encode is not None:
            encode = self.encode
            return lambda: ToRedis(url, rooms, encode)
        if self.layer in LAYERS:
            name = LAYERS[self.layer]
            return lambda: ToChannels(_layer(name, url), rooms)
        return None


def _layer(name: str, url: str) -> Any:
    module, _, kind = name.rpartition(".")
    return getattr(import_module(module), kind)(hosts=[url])


def ws(servers: Servers, *, framed: bool = True) -> Peer:
    """Node `ws`; `framed`: a message is framed once for all of its receivers."""
    return Peer(
        name="ws, pre-framed" if framed else "ws",
        servers=servers,
        command=lambda _port: ["node", "ws.js"],
        folder=NODE_PEERS,
        protocol="plain",
        path=lambda room: f"/room/{room}",
        environment={"FRAMING": "framed" if framed else "naive", "NODE_ENV": "production"},
        encode=for_ws,
    )


def socketio(servers: Servers, durable: str = "none") -> Peer:
    """Socket.IO with the Redis adapter; `durable`: `none`, `statement` or `batch`."""
    names = {"none": "Socket.IO", "statement": "Socket.IO + pg", "batch": "Socket.IO + pg, batched"}
    return Peer(
        name=names[durable],
        servers=servers,
        command=lambda _port: ["node", "socketio.js"],
        folder=NODE_PEERS,
        protocol="socketio",
        path=lambda room: f"/socket.io/?EIO=4&transport=websocket&room={room}",
        environment={"DURABLE": durable, "NODE_ENV": "production"},
        encode=for_socketio,
    )


def tutorial(servers: Servers, python: Path, layer: str, *, runs: int = OFTEN) -> Peer:
    """The Channels tutorial's consumer on Daphne; `layer`: `core`, `pubsub` or `postgres`."""
    return _tutorial(f"tutorial, {layer}", servers, python, layer, {}, runs)


def storing_tutorial(servers: Servers, python: Path, *, at_its_best: bool) -> Peer:
    """The same with an ORM insert in its `receive`.

    Args:
        servers: Its neighbours.
        python: Its interpreter.
        at_its_best: On the faster channel layer and with database connections that are kept. Otherwise as it is written:
            the layer that the tutorial installs, and Django's default, a connection for each message.
    """
    if at_its_best:
        return _tutorial("tutorial at its best", servers, python, "pubsub", {"DURABLE": "statement"})
    environment = {"DURABLE": "statement", "KEEP_CONNECTIONS_SECONDS": "0"}
    return _tutorial("tutorial", servers, python, "core", environment)


def _tutorial(
    name: str, servers: Servers, python: Path, layer: str, environment: dict[str, str], runs: int = OFTEN
) -> Peer:
    return Peer(
        name=name,
        servers=servers,
        command=lambda port: [
            *(str(python), "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port)),
            "bench_peers.asgi:application",
        ],
        folder=PYTHON_PEERS,
        protocol="plain",
        path=lambda room: f"/ws/chat/{room}/",
        environment={"CHANNEL_LAYER": layer, "DURABLE": "none"} | environment,
        layer=layer,
        runs=runs,
        prepare=_migrate(python) if layer == "postgres" else None,
    )


def _migrate(python: Path) -> list[str]:
    settings = "--settings=bench_peers.settings"
    return [str(python), "-m", "django", "migrate", "channels_postgres", settings, "-v", "0"]


def python_socketio(servers: Servers, python: Path) -> Peer:
    """python-socketio with the Redis manager, under uvicorn."""
    options = ["--log-level", "error", "--ws-per-message-deflate", "false", "--backlog", "4096"]
    return Peer(
        name="python-socketio",
        servers=servers,
        command=lambda port: [
            *(str(python), "-m", "uvicorn", "bench_peers.pysocketio:application", "--port", str(port), *options),
        ],
        folder=PYTHON_PEERS,
        protocol="socketio",
        path=lambda room: f"/socket.io/?EIO=4&transport=websocket&room={room}",
        environment={},
        encode=for_python_socketio,
    )


def bare_view(servers: Servers, python: Path, workers: int) -> Peer:
    """A DRF view that only counts up and inserts, under gunicorn as our services run."""
    options = ["--worker-class", "gthread", "--threads", "4", "--keep-alive", "75", "--log-level", "error"]
    return Peer(
        name="bare view",
        servers=servers,
        command=lambda port: [
            *(str(python), "-m", "gunicorn", "bench_peers.wsgi:application", "--bind", f"127.0.0.1:{port}"),
            *("--workers", str(workers), *options),
        ],
        folder=PYTHON_PEERS,
        protocol="http",
        path=lambda room: f"/rooms/{room}/messages/",
        environment={},
    )
