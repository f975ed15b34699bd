"""`growth` (F9): the same calls on a small and on a large database, side by side."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random
from statistics import median

import requests

from chatire_bench.bench import Bench
from chatire_bench.cloning import Wanted, clone
from chatire_bench.figures import OURS, Bar, Row
from chatire_bench.plans import plans
from chatire_bench.stack import Processes, Stack
from chatire_client import Account

VIEWERS = 10
MESSAGES_EACH = 100
SMALL = Wanted("", [], conversations=100, people=10)
LARGE = Wanted("", [], conversations=100_000, people=10_000)
QUICK_LARGE = Wanted("", [], conversations=200, people=20)
"""Of every size, each person is in a hundred conversations with a hundred messages: only the rest of the world grows."""
_CALLS, _WARM_CALLS = 60, 10
_QUICK_CALLS, _QUICK_WARM_CALLS = 8, 2
_TIMEOUT_SECONDS = 30


def run(bench: Bench) -> Row:
    """Two stacks at once; their calls alternate, from one client. A quick run has one stack, which grows in between."""
    large = QUICK_LARGE if bench.quick else LARGE
    row = Row("growth", f"Growth: {_size(large)}, beside {_size(SMALL)}")
    row.note("Everybody is in 100 conversations of 100 messages in both.")
    (_one_after_the_other if bench.quick else _side_by_side)(bench, row, large)
    return row


def _side_by_side(bench: Bench, row: Row, large: Wanted) -> None:
    row.note("One client, calls alternating between both.")
    with ExitStack() as stacks:
        small, grown = Stack(bench.folder / "growth-small"), Stack(bench.folder / "growth-large")
        for stack in (small, grown):
            stacks.enter_context(stack.running(Processes(workers=1)))
        worlds = {_size(SMALL): _world(bench, small, "small", SMALL), OURS: _world(bench, grown, "large", large)}
        for pair in range(bench.pairs):
            bench.tell(f"pair {pair + 1}")
            _compare(row, worlds, _CALLS, _WARM_CALLS)
        row.plans = plans(worlds[OURS].stack, worlds[OURS].viewers[0], worlds[OURS].conversations[0])


def _one_after_the_other(bench: Bench, row: Row, large: Wanted) -> None:
    row.note("In one stack: the small one is measured, then the large one is added and measured.")
    stack = bench.ours.stack
    with stack.running(bench.ours.counts):
        for size, name, wanted in ((_size(SMALL), "small", SMALL), (OURS, "large", large)):
            _compare(row, {size: _world(bench, stack, name, wanted)}, _QUICK_CALLS, _QUICK_WARM_CALLS)


def _size(wanted: Wanted) -> str:
    return f"{wanted.conversations * MESSAGES_EACH:,} messages"


@dataclass
class World:
    """A stack with a database of some size, and who looks at it."""

    stack: Stack
    viewers: list[Account]
    conversations: list[str]
    address: str

    def calls(self, random: Random) -> dict[str, requests.Request]:
        """One call of each kind, by a viewer in one of their conversations."""
        viewer, conversation = random.choice(self.viewers), random.choice(self.conversations)
        path = f"/api/conversations/{conversation}"
        return {
            "page of history, newest": self._get(viewer, f"{path}/messages/?limit=50"),
            "page of history, in the middle": self._get(viewer, f"{path}/messages/?before=60&limit=50"),
            "list of conversations with unread counts": self._get(viewer, "/api/conversations/?limit=50"),
            "range of events": self._get(viewer, f"{path}/events/?after=20&limit=50"),
            "post": self._request(viewer, "POST", f"{path}/messages/", _body(random)),
        }

    def _get(self, viewer: Account, path: str) -> requests.Request:
        return self._request(viewer, "GET", path, None)

    def _request(self, viewer: Account, method: str, path: str, body: object) -> requests.Request:
        headers = {"Authorization": f"Bearer {viewer.fresh_access()}"}
        return requests.Request(method, f"http://{self.address}{path}", headers=headers, json=body)


def _body(random: Random) -> dict[str, str]:
    client_id = f"{random.getrandbits(32):08x}-0000-4000-8000-{random.getrandbits(48):012x}"
    return {"client_id": client_id, "body": "Does it still answer at once?"}


def _world(bench: Bench, stack: Stack, name: str, wanted: Wanted) -> World:
    """Fill the database of a running stack."""
    viewers = stack.sign_in([f"{name}viewer{number}" for number in range(VIEWERS)])
    conversation = _template(viewers)
    url, ids = stack.addresses["messages_database_url"], [viewer.id for viewer in viewers]
    bench.tell(f"filling the {name} database: {_size(wanted)}")
    began = time.monotonic()
    clone(url, Wanted(conversation, ids, wanted.conversations, wanted.people), bench.tell)
    bench.tell(f"filled in {time.monotonic() - began:.0f} s")
    # The first viewer's; with this stride every viewer's conversations are their own in a large world.
    mine = _of(viewers[0], conversation)
    return World(stack, viewers[:1], mine, f"127.0.0.1:{stack.ports('messages')[0]}")


def _template(viewers: list[Account]) -> str:
    """A conversation as people make it."""
    first, others = viewers[0], [viewer.id for viewer in viewers[1:]]
    wanted = {"kind": "group", "title": "Growth", "member_ids": others}
    made = first.http.call("POST", "/api/conversations/", token=first.access, body=wanted)
    for number in range(MESSAGES_EACH):
        author = viewers[number % len(viewers)]
        body = {
            "client_id": f"00000000-0000-4000-8000-{number:012x}",
            "body": f"Message {number} of *many*. " + "x" * 80,
        }
        author.http.call("POST", f"/api/conversations/{made['id']}/messages/", token=author.access, body=body)
    return str(made["id"])


def _of(viewer: Account, template: str) -> list[str]:
    found, cursor = [], None
    while True:
        params = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = viewer.http.call("GET", "/api/conversations/", token=viewer.access, params=params)
        found += [str(item["id"]) for item in page["conversations"]]
        cursor = page["next"]
        if not cursor:
            return [item for item in found if item != template]


def _compare(row: Row, worlds: dict[str, World], calls: int, warm: int) -> None:
    took: dict[tuple[str, str], list[float]] = {}
    random = Random(7)
    with requests.Session() as session:
        session.trust_env = False
        for number in range(warm + calls):
            for size, world in worlds.items():
                for kind, request in world.calls(random).items():
                    seconds = _timed(session, request)
                    if number >= warm:
                        took.setdefault((kind, size), []).append(seconds * 1000)
    for (kind, size), values in took.items():
        bar = Bar("F9", 1.3, _size(SMALL), at_most=True)
        row.figure(f"{kind}, p50", "ms", bar).add(size, median(values))


def _timed(session: requests.Session, request: requests.Request) -> float:
    prepared = session.prepare_request(request)
    began = time.perf_counter()
    answer = session.send(prepared, timeout=_TIMEOUT_SECONDS)
    took = time.perf_counter() - began
    answer.raise_for_status()
    return took
