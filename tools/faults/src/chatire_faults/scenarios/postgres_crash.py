"""PostgreSQL is killed again and again while somebody posts: sockets stay, refusals are honest, and it goes on at once.

Sends over HTTP and over one socket go on every 50 ms, without the pauses that a well-behaved client makes: what is
measured is when the servers take messages again.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

import requests

from chatire_client import Account, Closed, Http, Problem, Wire
from chatire_faults.errors import NotNow
from chatire_faults.figures import percentiles
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, send_signal

CRASHES = 20
BAR_SECONDS = 5.0
CALM_SECONDS = 1.5
PATIENCE_SECONDS = 60.0
EVERY_SECONDS = 0.05
READY_EVERY_SECONDS = 0.01
SERVICE_UNAVAILABLE = 503


@dataclass(slots=True)
class Seen:
    """What came back: `acked` by client id, Unix seconds of the acks by way, refusals that were not as promised."""

    acked: dict[str, int] = field(default_factory=dict)
    acks: dict[str, list[float]] = field(default_factory=lambda: {"http": [], "socket": []})
    refusals: int = 0
    odd: list[str] = field(default_factory=list)

    def ack(self, way: str, client_id: str, seq: int) -> None:
        """Note one."""
        self.acked[client_id] = seq
        self.acks[way].append(time.time())


def run(setting: Setting) -> Report:
    """Play it."""
    with Stack.started(setting.folder) as stack:
        return asyncio.run(_run(setting, stack))


async def _run(setting: Setting, stack: Stack) -> Report:
    http = Http(f"http://127.0.0.1:{stack.port}")
    (ada,) = await asyncio.to_thread(stack.make_people, ["ada"], http)
    conversation = ada.call("POST", "/api/conversations/", {"kind": "group", "title": "Crash", "member_ids": []})["id"]
    seen, enough = Seen(), asyncio.Event()
    wire = await _open(http, ada)
    posting = [
        asyncio.create_task(_post_over_http(ada, conversation, seen, enough)),
        asyncio.create_task(_send_over_socket(wire, conversation, enough)),
        asyncio.create_task(_listen(wire, seen)),
    ]
    recoveries: list[dict[str, float]] = []
    for number in range(setting.count(CRASHES)):
        recoveries.append(await _crash(stack, seen))
        setting.tell(
            f"crash {number + 1}: " + ", ".join(f"{name} {value:.2f}" for name, value in recoveries[-1].items())
        )
    enough.set()
    posting[-1].cancel()
    ended = await asyncio.gather(*posting, return_exceptions=True)
    if any(isinstance(end, Closed) for end in ended):
        seen.odd.append("the socket was closed")
    return _report(ada, conversation, seen, recoveries)


async def _open(http: Http, account: Account) -> Wire:
    wire = await Wire.open(http.socket_url)
    await wire.send("auth", token=account.access)
    while (await wire.receive())["type"] != "ready":
        pass
    return wire


async def _crash(stack: Stack, seen: Seen) -> dict[str, float]:
    """Kill it; seconds until it is ready again, and from then to the first ack over each way."""
    await asyncio.sleep(CALM_SECONDS)
    killed = time.time()
    send_signal(await asyncio.to_thread(stack.pid, "postgres"), signal.SIGKILL)
    before = {way: len(times) for way, times in seen.acks.items()}
    await asyncio.sleep(EVERY_SECONDS)
    while not await asyncio.to_thread(_is_ready, stack):  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(READY_EVERY_SECONDS)
    ready = time.time()
    return {"down": ready - killed} | {way: await _first(seen.acks[way], before[way], ready) for way in seen.acks}


async def _first(times: list[float], start: int, ready: float) -> float:
    """Seconds from `ready` to the first of the times after it, which may still have to come."""
    while time.time() < ready + PATIENCE_SECONDS:
        if found := [at - ready for at in times[start:] if at > ready]:
            return found[0]
        await asyncio.sleep(READY_EVERY_SECONDS)
    return PATIENCE_SECONDS


def _is_ready(stack: Stack) -> bool:
    with suppress(NotNow), stack.database() as cursor:
        cursor.execute("SELECT 1")
        return True
    return False


async def _post_over_http(account: Account, conversation: str, seen: Seen, enough: asyncio.Event) -> None:
    path = f"/api/conversations/{conversation}/messages/"
    while not enough.is_set():
        fields = {"client_id": str(uuid4()), "body": "over HTTP"}
        try:
            answer = await asyncio.to_thread(account.call, "POST", path, fields)
            seen.ack("http", fields["client_id"], answer["seq"])
        except Problem as problem:
            seen.refusals += 1
            if problem.status != SERVICE_UNAVAILABLE or problem.retry_after_seconds is None:
                seen.odd.append(f"{problem.status} {problem.code} instead of 503 with Retry-After")
        except requests.RequestException as failure:
            seen.odd.append(f"no answer at all: {failure}")
        await asyncio.sleep(EVERY_SECONDS)


async def _send_over_socket(wire: Wire, conversation: str, enough: asyncio.Event) -> None:
    while not enough.is_set():
        await wire.send("send", id=str(uuid4()), conversation=conversation, body="over a socket")
        await asyncio.sleep(EVERY_SECONDS)


async def _listen(wire: Wire, seen: Seen) -> None:
    while True:
        frame = await wire.receive(skip_events=True)
        if frame["type"] == "ack":
            seen.ack("socket", frame["id"], frame["seq"])
        elif frame["type"] == "error":
            seen.refusals += 1
            if not frame.get("retryable"):
                seen.odd.append(f"{frame['code']}, and not retryable")


def _report(account: Account, conversation: str, seen: Seen, recoveries: list[dict[str, float]]) -> Report:
    stored = _stored(account, conversation)
    lost = [client_id for client_id, seq in seen.acked.items() if stored.get(client_id) != seq]
    figures = {
        "crashes": len(recoveries),
        "acked": len(seen.acked),
        "acked_and_lost": len(lost),
        "refused": seen.refusals,
        "down_ms": percentiles(each["down"] for each in recoveries),
        "ready_to_first_ack_over_http_ms": percentiles(each["http"] for each in recoveries),
        "ready_to_first_ack_over_socket_ms": percentiles(each["socket"] for each in recoveries),
    }
    report = Report("postgres-crash", figures)
    report.require(not lost, f"{len(lost)} acknowledged messages are not stored")
    for way in ("http", "socket"):
        worst = max(each[way] for each in recoveries)
        report.require(worst <= BAR_SECONDS, f"the first ack over {way} came {worst:.1f} s after PostgreSQL was ready")
    for sentence in sorted(set(seen.odd)):
        report.require(False, sentence)
    return report


def _stored(account: Account, conversation: str) -> dict[str, int]:
    found: dict[str, int] = {}
    after = 0
    while True:
        path = f"/api/conversations/{conversation}/events/"
        page = account.call("GET", path, None, after=str(after), limit="500")
        for event in page["events"]:
            after = event["seq"]
            if event["kind"] == "message.created":
                found[event["data"]["client_id"]] = after
        if after >= page["last_seq"]:
            return found
