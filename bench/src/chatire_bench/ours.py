"""Chatire as a contender: the real stack, its people and rooms made through its own doors."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

import psycopg2

from chatire_bench.contender import Running, Shape
from chatire_bench.figures import OURS
from chatire_bench.loadgen import Line
from chatire_bench.peers import OFTEN
from chatire_bench.publishing import Counting, Publisher, ToChatire
from chatire_bench.stack import Processes, Stack
from chatire_client import Account

MOST_MEMBERS_PER_CALL = 200
LONGEST_RUN_SECONDS = 240
"""Tokens that end sooner are no good for a run; a gateway that was started anew has seen none of them."""
_MAKERS = 4


@dataclass
class Population:
    """The people and rooms of one shape.

    Attributes:
        names: Usernames, room by room.
        conversations: Id of each room.
        accounts: Their sessions, which outlive a restart of the stack.
    """

    names: list[str]
    accounts: list[Account] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    epochs: dict[str, str] = field(default_factory=dict)


@dataclass
class Chatire:
    """Our stack.

    Attributes:
        measured: The part whose CPU counts where one process is meant.
        protocol: `chatire`, or `http` to post to the messages service.
    """

    stack: Stack
    counts: Processes = field(default_factory=Processes)
    measured: str = "gateway"
    protocol: str = "chatire"
    name: str = OURS
    runs: int = OFTEN
    populations: dict[Shape, Population] = field(default_factory=dict)

    def with_workers(self, workers: int) -> Processes:
        """The same processes with another number of messages workers."""
        return replace(self.counts, workers=workers)

    def variant(self, **changes: object) -> Chatire:
        """The same stack, started or measured another way; people and rooms are shared."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @contextmanager
    def running(self, shape: Shape) -> Iterator[Running]:
        """See `Contender`."""
        with self.stack.running(self.counts):
            yield self.among(shape)

    def among(self, shape: Shape) -> Running:
        """The running stack as it is now, with people and rooms of this shape; several shapes can be there at once."""
        accounts = self._people(shape)
        population = self.populations[shape]
        if not population.conversations:
            self._make_rooms(shape, population, accounts)
        return Running(
            protocol=self.protocol,
            lines=self._lines(shape, population, accounts),
            parts={name: pid for name, pid in self.stack.pids.items() if name != "caddy"},
            measured=self.measured,
            publisher=self._publisher(population),
            stored=self.stored,
        )

    def _people(self, shape: Shape) -> list[Account]:
        if shape not in self.populations:
            # Nobody who was there before: each is in one room, so their newest `seq` is the room's.
            prefix = f"b{secrets.token_hex(3)}r{shape.rooms}m{shape.members}"
            self.populations[shape] = Population([f"{prefix}n{number}" for number in range(shape.connections)])
        population = self.populations[shape]
        if not population.accounts or population.accounts[0].seconds_left() < LONGEST_RUN_SECONDS:
            population.accounts = self.stack.sign_in(population.names)
        return population.accounts

    def _make_rooms(self, shape: Shape, population: Population, accounts: list[Account]) -> None:
        rooms = [accounts[start : start + shape.members] for start in range(0, len(accounts), shape.members)]
        with ThreadPoolExecutor(_MAKERS) as pool:
            made = list(pool.map(_make_room, rooms))
        population.conversations = [conversation for conversation, _epoch in made]
        population.epochs = dict(made)

    def _lines(self, shape: Shape, population: Population, accounts: list[Account]) -> list[Line]:
        ports = self.stack.ports("messages" if self.protocol == "http" else "gateway")
        return [
            self._line(ports[number % len(ports)], number // shape.members, population, account)
            for number, account in enumerate(accounts)
        ]

    def _line(self, port: int, room: int, population: Population, account: Account) -> Line:
        conversation = population.conversations[room]
        if self.protocol == "http":
            return Line(port, room, f"/api/conversations/{conversation}/messages/", conversation, account.access)
        return Line(port, room, "/ws", conversation, account.access)

    def _publisher(self, population: Population) -> Callable[[], Publisher]:
        def make() -> Publisher:
            newest = self.newest(population.conversations)
            rooms = Counting(population.conversations, [newest[room] for room in population.conversations])
            return ToChatire(self.stack.addresses["redis_url"], rooms, population.epochs)

        return make

    def newest(self, conversations: list[str]) -> dict[str, int]:
        """Each conversation's newest `seq`."""
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT id::text, last_seq FROM conversations_conversation WHERE id::text = ANY(%s)", [conversations]
            )
            return dict(cursor.fetchall())

    def stored(self) -> int:
        """How many messages are in the database."""
        with self._cursor() as cursor:
            cursor.execute("SELECT count(*) FROM timeline_message")
            (count,) = cursor.fetchone() or (0,)
            return int(count)

    @contextmanager
    def _cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        url = self.stack.addresses["messages_database_url"]
        with closing(psycopg2.connect(url)) as server, server.cursor() as cursor:
            yield cursor


def _make_room(members: list[Account]) -> tuple[str, str]:
    """Made by the first; the others are added in as many calls as it takes."""
    owner, others = members[0], [member.id for member in members[1:]]
    call, most = owner.http.call, MOST_MEMBERS_PER_CALL
    wanted = {"kind": "group", "title": "Bench", "member_ids": others[:most]}
    made = call("POST", "/api/conversations/", token=owner.access, body=wanted)
    for start in range(most, len(others), most):
        path = f"/api/conversations/{made['id']}/members/"
        call("POST", path, token=owner.access, body={"user_ids": others[start : start + most]})
    return str(made["id"]), str(made["epoch"])
