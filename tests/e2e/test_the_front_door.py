"""Journeys of people who try the handles: closed paths, malformed requests and frames, headers."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

from people import Person
from raw_http import Answer, ask

from chatire_client import Closed, Http, Wire

CLOSED = [
    "/internal/changes/",
    "/internal/messages/batch/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/healthz/",
    "//internal/changes/",
    "/internal//changes/",
    "/%69nternal/changes/",
    "/internal%2Fchanges/",
    "/api/internal/changes/",
    "/api/auth/internal/changes/",
    "/api/metrics",
    "/api/auth/healthz",
    "/api/readyz",
    "/api/../internal/changes/",
    "/api/auth/../../internal/changes/",
    "/api/%2e%2e/internal/changes/",
    "/api/auth/%2e%2e/%2e%2e/healthz",
    "/./metrics",
    "/api//healthz",
]
BROKEN_JSON = [
    b"nope",
    b"{",
    b"[" * 20_000,
    b'{"a":' * 17 + b"1" + b"}" * 17,
    b'{"body": NaN}',
    b'{"body": "\\ud800"}',
    b"\xff\xfe\x00",
    b'{"body": "\xc3\x28"}',
]


def test_the_front_door_shows_what_it_should_and_nothing_else(origin: str, ada: Person) -> None:
    closed_paths_do_not_exist(origin)
    every_answer_carries_its_headers(origin, ada)


def closed_paths_do_not_exist(origin: str) -> None:
    for path in CLOSED:
        for method in ("GET", "POST"):
            answer = ask(origin, method, path, b"" if method == "POST" else None)
            assert answer.status == 404, (method, path, answer.status, answer.text[:200])
            assert answer.problem["code"] == "not_found", path


def every_answer_carries_its_headers(origin: str, ada: Person) -> None:
    paths = ["/api/auth/me/", "/api/conversations/", "/api/nothing/", "/api/auth/nothing/", "/healthz"]
    for path in paths:
        asked = f"journey-{uuid4()}"
        answer = ask(
            origin, "GET", path, headers={"X-Request-ID": asked, "Authorization": f"Bearer {ada.account.access}"}
        )
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"], path
        assert answer.headers["x-request-id"] == asked, path
        if path.startswith("/api/"):
            assert answer.headers["cache-control"] == "no-store", path
        if answer.status >= 400:
            assert answer.problem["request_id"] == asked
        insane = ask(origin, "GET", path, headers={"X-Request-ID": "no good; <id>"})
        assert insane.headers["x-request-id"] not in {"", "no good; <id>"}
    page = ask(origin, "GET", "/")
    policy = page.headers["content-security-policy"]
    scripts = next(part for part in policy.split(";") if part.strip().startswith(("script-src", "default-src")))
    assert "unsafe-inline" not in scripts
    assert ask(origin, "GET", "/api/auth/me").status == 404, "without its slash a path is another one, and no redirect"
    nobody = ask(origin, "GET", "/api/auth/me/")
    assert (nobody.status, nobody.problem["code"]) == (401, "unauthenticated")


def test_malformed_requests_get_a_problem_and_change_nothing(origin: str, ada: Person, grace: Person) -> None:
    conversation = ada.start("direct", grace)
    messages = f"/api/conversations/{conversation}/messages/"
    headers = {"Authorization": f"Bearer {ada.account.access}", "Content-Type": "application/json"}

    def post(path: str, body: bytes) -> Answer:
        return ask(origin, "POST", path, body, headers)

    for path in (messages, "/api/conversations/", "/api/auth/register/", "/api/auth/token/", f"{messages[:-9]}read/"):
        for body in BROKEN_JSON:
            answer = post(path, body)
            assert (answer.status, answer.problem["code"]) == (400, "malformed"), (path, body[:40])
        for body in (b"", b"[]", b'"text"', b"5", b"null"):
            assert post(path, body).status == 400, (path, body)
            assert post(path, body).problem["code"] in {"malformed", "invalid"}
        assert post(path, b'{"' + b"x" * (2 << 20) + b'": 1}').problem["code"] == "too_large", path
        assert ask(origin, "TRACE", path).status in {401, 404, 405, 501}, path
        assert ask(origin, "PUT", path, b"{}", headers).problem["status"] == 405, path

    fine = {"client_id": str(uuid4()), "body": "fine"}
    for wrong, code in (
        ({"body": 5}, "invalid"),
        ({"body": None}, "invalid"),
        ({"body": ""}, "invalid"),
        ({"body": " \n\t"}, "invalid"),
        ({"body": "a\0b"}, "invalid"),
        ({"body": "x" * 8001}, "invalid"),
        ({"client_id": "5"}, "invalid"),
        ({"client_id": str(uuid4()).upper()}, "invalid"),
        ({"client_id": f"urn:uuid:{uuid4()}"}, "invalid"),
        ({"reply_to": str(uuid4())}, "invalid"),
        ({"attachment_ids": "none"}, "invalid"),
        ({"shout": True}, "unknown_field"),
    ):
        answer = post(messages, json.dumps(fine | wrong).encode())
        assert (answer.status, answer.problem["code"]) == (400, code), wrong
        assert answer.problem["errors"][0]["field"] in wrong  # type: ignore[index]
    doubled = f'{{"client_id": "{uuid4()}", "body": "a", "body": "b"}}'.encode()
    assert post(messages, doubled).problem["code"] in {"invalid", "unknown_field"}
    for query in ("limit=0", "limit=201", "limit=x", "before=-1", "after=1&before=2&around=3", "surprise=1"):
        assert ask(origin, "GET", f"{messages}?{query}", headers=headers).status in {200, 400}, query
    assert ask(origin, "GET", f"{messages}?limit=201", headers=headers).problem["code"] == "invalid"
    for odd in (
        "/api/messages/5/",
        "/api/messages/%00/",
        "/api/messages/%ff/",
        f"/api/conversations/{conversation.upper()}/x/",
    ):
        assert ask(origin, "GET", odd, headers=headers).problem["status"] in {400, 404, 405}, odd
    assert ada.history(conversation) == []


async def test_a_socket_takes_the_right_words_alone(http: Http, ada: Person, grace: Person) -> None:
    await malformed_frames_close_it(ada)
    await wrong_frames_are_refused(ada, ada.start("direct", grace))
    await nobody_gets_in_without_the_right_words(http, ada)


async def malformed_frames_close_it(ada: Person) -> None:
    for bad in (
        b"\x00binary",
        "nope",
        "[]",
        '"text"',
        "{",
        '{"type": NaN}',
        '{"type":"ping","n":"\\ud800"}',
        "[" * 20_000,
    ):
        wire = await ada.wire()
        await wire.send_raw(bad)
        assert await _close_code(wire) == 4400, bad[:30]
    wire = await ada.wire()
    await wire.send_raw(json.dumps({"type": "send", "body": "x" * (129 << 10)}))
    assert await _close_code(wire) == 4413


async def wrong_frames_are_refused(ada: Person, conversation: str) -> None:
    wire, message_id = await ada.wire(), str(uuid4())
    send = {"type": "send", "id": message_id, "conversation": conversation, "body": "fine"}
    for wrong in (
        {"type": "shout"},
        {"type": "ping"},
        {"type": "ping", "n": "1"},
        {"type": "read", "conversation": conversation},
        {"type": "watch", "users": "everybody"},
        {"type": "typing", "conversation": "here", "state": True},
        send | {"body": 5},
        send | {"body": "\0"},
        send | {"body": " "},
        send | {"body": "x" * 8001},
        send | {"surprise": 1},
        {name: value for name, value in send.items() if name != "conversation"},
    ):
        await wire.send_raw(json.dumps(wrong))
        error = await asyncio.wait_for(wire.receive(), 5)
        assert (error["type"], error["code"], error["retryable"]) == ("error", "invalid", False), (wrong, error)
        assert error.get("id") == wrong.get("id")
    await wire.send_raw('{"type":"ping","n":1,"n":2}')
    assert (await asyncio.wait_for(wire.receive(), 5))["code"] == "invalid"
    await wire.send("ping", n=7)
    assert await asyncio.wait_for(wire.receive(), 5) == {"type": "pong", "n": 7}
    await wire.close()


async def nobody_gets_in_without_the_right_words(http: Http, ada: Person) -> None:
    url = http.socket_url
    good = json.dumps({"type": "auth", "token": ada.account.access})
    for first in (
        '{"type":"ping","n":1}',
        '{"type":"auth"}',
        '{"type":"auth","token":5}',
        '{"type":"auth","token":"no.such.token"}',
        json.dumps({"type": "auth", "token": ada.account.access + "x"}),
        json.dumps({"type": "auth", "token": ada.account.access, "surprise": 1}),
        '{"type":"resume","cursors":{}}',
    ):
        wire = await Wire.open(url)
        await wire.send_raw(first)
        assert await _close_code(wire) == 4401, first[:60]
    for subprotocols in ((), ("chatire.v0",)):
        wire = await Wire.open(url, subprotocols=subprotocols)
        assert await _close_code(wire) == 4400, subprotocols
    for origin in ("https://evil.example", "null", http.origin + ".evil.example", http.origin.replace("http", "https")):
        wire = await Wire.open(url, origin=origin)
        await _try(wire, good)
        assert await _close_code(wire) == 4403, origin
    wire = await Wire.open(url, origin=http.origin)
    await wire.send_raw(good)
    assert (await asyncio.wait_for(wire.receive(), 5))["type"] == "ready"
    await wire.close()
    wire = await Wire.open(url, headers={"Authorization": f"Bearer {ada.account.access}"})
    await wire.send("resume", cursors={})
    assert (await asyncio.wait_for(wire.receive(), 5))["type"] == "ready"
    assert wire.subprotocol == "chatire.v1"
    await wire.close()


async def _try(wire: Wire, text: str) -> None:
    try:
        await wire.send_raw(text)
    except Closed:
        return


async def _close_code(wire: Wire) -> int:
    """The code a connection is closed with; whatever comes before is dropped."""
    try:
        async with asyncio.timeout(10):
            while True:
                await wire.receive()
    except Closed as closed:
        return closed.code
