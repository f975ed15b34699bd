"""Posts at a steady rate, over HTTP and through Caddy, from a process of its own.

The process with the crowd in it is busy when the crowd comes back, and would measure itself. By hand:
`python -m chatire_faults.scenarios._posting`, a `Task` as JSON on standard input, posts as JSON lines on standard output
until the input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from random import Random
from uuid import UUID

from chatire_client import Http
from chatire_faults.errors import FaultsError
from chatire_faults.insisting import insist
from chatire_faults.scenarios._crowd import Town

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Task:
    """What to post.

    Attributes:
        origin: Where.
        authors: By group, the access tokens of those who post into it in turn.
        per_second: How many, into one group after the other.
        size: Characters of each message.
        seed: Of the client ids.
    """

    origin: str
    authors: dict[str, list[str]]
    per_second: float
    size: int
    seed: float


@dataclass(frozen=True, slots=True)
class Post:
    """One message that was taken: where, as which event, and from when to when that took (Unix seconds)."""

    group: str
    seq: int
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Poster:
    """The other process, and what it has posted."""

    def __init__(self, town: Town, origin: str, random: Random, *, per_second: float, size: int = 100) -> None:
        """Prepare; everybody in `town` posts."""
        authors = {group: [one.access for one in members] for group, members in town.members.items()}
        self._task = Task(origin, authors, per_second, size, random.random())
        self.posts: list[Post] = []

    @property
    def seconds(self) -> list[float]:
        """How long each post took."""
        return [post.seconds for post in self.posts]

    @property
    def heads(self) -> dict[str, int]:
        """The newest `seq` of each group that was posted into."""
        heads: dict[str, int] = {}
        for post in self.posts:
            heads[post.group] = max(post.seq, heads.get(post.group, 0))
        return heads

    async def post(self, until_set: asyncio.Event) -> None:
        """Go on until told to stop and everything is taken.

        Raises: FaultsError, when it came to an end by itself.
        """
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=pipe, stdout=pipe)
        assert process.stdin is not None  # noqa: S101 (for the type checker)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(asdict(self._task)).encode() + b"\n")
        reading = asyncio.create_task(self._read(process.stdout))
        stopping = asyncio.create_task(until_set.wait())
        await asyncio.wait([reading, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        process.stdin.close()
        await reading
        if await process.wait() or not until_set.is_set():
            raise FaultsError("posting came to an end by itself")

    async def _read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            self.posts.append(Post(**json.loads(line)))


async def _carry_out(task: Task, stop: asyncio.Event) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * CONNECTIONS))
    http, random = Http(task.origin, connections=CONNECTIONS), Random(task.seed)
    groups, under_way = list(task.authors), set()
    number, due = 0, time.monotonic()
    while not stop.is_set():
        group = groups[number % len(groups)]
        token = task.authors[group][number % len(task.authors[group])]
        client_id = str(UUID(int=random.getrandbits(128), version=4))
        under_way.add(asyncio.create_task(_post(http, group, token, client_id, task.size)))
        number, due = number + 1, due + 1 / task.per_second
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))
    await asyncio.gather(*under_way)


async def _post(http: Http, group: str, token: str, client_id: str, size: int) -> None:
    began = time.time()
    fields = {"client_id": client_id, "body": f"at {int(began * 1e6)} ".ljust(size, "x")}
    path = f"/api/conversations/{group}/messages/"
    answer = await insist(lambda: http.call("POST", path, token=token, body=fields))
    sys.stdout.write(json.dumps(asdict(Post(group, answer["seq"], began, time.time()))) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Read the task and do it until standard input ends."""
    task = Task(**json.loads(sys.stdin.readline()))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    await _carry_out(task, stop)


if __name__ == "__main__":
    asyncio.run(main())
