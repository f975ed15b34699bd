"""What opens a socket, what is refused, and what is left to Daphne."""

from __future__ import annotations

import pytest

from gateway_service.front.head import MAX_HEAD_BYTES, NotOurs, Refused, read_upgrade, refusal, switching

GOOD = {
    "Host": "chat.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def request(*lines: str, start: str = "GET /ws HTTP/1.1", **changed: str | None) -> bytes:
    """The good request with some headers changed (None: left out), and lines added."""
    headers = GOOD | {name.replace("_", "-"): value for name, value in changed.items()}
    given = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return ("\r\n".join([start, *given, *lines]) + "\r\n\r\n").encode("latin-1")


def refused(data: bytes) -> int:
    with pytest.raises(Refused) as caught:
        read_upgrade(data, b"/ws")
    return int(caught.value.status)


def test_a_good_request_is_read_with_what_follows_it() -> None:
    offered = ("Sec-WebSocket-Protocol: other , chatire.v1", "Sec-WebSocket-Protocol: third", "X_Evil: 1", "X-Empty:")
    upgrade = read_upgrade(request(*offered, start="GET /ws?a=1?b HTTP/1.1") + b"\x81", b"/ws")
    assert upgrade is not None
    assert (upgrade.path, upgrade.query, upgrade.rest) == (b"/ws", b"a=1?b", b"\x81")
    assert upgrade.subprotocols() == ["other", "chatire.v1", "third"]
    assert upgrade.headers[0] == (b"host", b"chat.example")
    assert (b"x-empty", b"") in upgrade.headers
    assert not [name for name, _ in upgrade.headers if b"_" in name]


def test_the_answer_is_the_one_of_the_rfcs_example() -> None:
    upgrade = read_upgrade(request(), b"/ws")
    assert upgrade is not None
    answer = switching(upgrade.key, "chatire.v1", [(b"x-more", b"1")])
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" in answer
    assert b"\r\nSec-WebSocket-Protocol: chatire.v1\r\n" in answer
    assert b"\r\nx-more: 1\r\n" in answer
    assert b"Protocol" not in switching(upgrade.key, None).partition(b"\r\n")[2]


def test_every_prefix_of_a_good_request_is_waited_on() -> None:
    data = request()
    for end in range(len(data)):
        assert read_upgrade(data[:end], b"/ws") is None
    assert read_upgrade(data, b"/ws") is not None


@pytest.mark.parametrize("value", ["Upgrade", "keep-alive, Upgrade", "upgrade", "x ,UPGRADE, y"])
def test_upgrade_may_be_one_of_several_words_in_any_case(value: str) -> None:
    assert read_upgrade(request(Connection=value, Upgrade="WebSocket"), b"/ws") is not None


@pytest.mark.parametrize(
    "data",
    [
        request(start="POST /ws HTTP/1.1"),
        request(start="GET /wsx HTTP/1.1"),
        request(start="GET /ws/ HTTP/1.1"),
        request(start="GET //ws HTTP/1.1"),
        request(start="GET /%77s HTTP/1.1"),
        request(start="GET http://chat.example/ws HTTP/1.1"),
        request(start="GET /ws HTTP/1.0"),
        request(start="GET /ws  HTTP/1.1"),
        request(start="GET /ws\x01 HTTP/1.1"),
        request(Upgrade=None),
        request(Upgrade="h2c"),
        b"GET /healthz",
        b"P",
        b"\x16\x03\x01",
        b"\r\n",
    ],
)
def test_anything_but_a_socket_at_our_path_is_left_to_the_server_behind(data: bytes) -> None:
    with pytest.raises(NotOurs):
        read_upgrade(data, b"/ws")


@pytest.mark.parametrize(
    "data",
    [
        request(Host=None),
        request("Host: other.example"),
        request(Connection=None),
        request(Connection="keep-alive"),
        request(Sec_WebSocket_Key=None),
        request(Sec_WebSocket_Key="short"),
        request(Sec_WebSocket_Key="not*base64*at*all*no*not=="),
        request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZXM="),
        request("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        request("Content-Length: 5"),
        request("Transfer-Encoding: chunked"),
        request("no colon"),
        request(": no name"),
        request("Na me: x"),
        request("Name : x"),
        request(" folded: x"),
        request("X: a\rb"),
        request("X: a\nb"),
        request("X: a\0b"),
    ],
)
def test_a_broken_request_for_a_socket_is_a_client_error(data: bytes) -> None:
    assert refused(data) == 400


@pytest.mark.parametrize("version", [None, "8", "13, 8", "14", "x"])
def test_another_version_is_told_which_one_we_speak(version: str | None) -> None:
    with pytest.raises(Refused) as caught:
        read_upgrade(request(Sec_WebSocket_Version=version), b"/ws")
    assert caught.value.status == 426
    assert caught.value.headers == (("Sec-WebSocket-Version", "13"),)
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in refusal(caught.value.status, *caught.value.headers)


def test_a_head_without_end_is_refused_whether_it_comes_at_once_or_not() -> None:
    assert refused(request("X: " + "x" * MAX_HEAD_BYTES)) == 431
    assert refused(request("X: " + "x" * MAX_HEAD_BYTES)[:-4]) == 431
    assert refused(b"GET /ws" + b"?" * MAX_HEAD_BYTES) == 431
