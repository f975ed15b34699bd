"""Device names and origins, without a database."""

from __future__ import annotations

import pytest

from auth_service.tokens.rules.devices import MAX_CHARS, device_name
from auth_service.tokens.rules.origins import may_use_cookie

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("chatire-client/0.1", "chatire-client/0.1"),
        ("", "Unknown device"),
        (" \x1b[31m\r\n", "[31m"),
        ("x" * 500, "x" * MAX_CHARS),
    ],
)
def test_a_device_is_named_as_people_would(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


ALLOWED = {"https://team.example.org"}


@pytest.mark.parametrize("origin", ["http://chat.lan:8000", "https://team.example.org"])
def test_the_own_origin_and_the_allowed_ones_may_use_the_cookie(origin: str) -> None:
    assert may_use_cookie(origin, own_scheme="http", own_host="chat.lan:8000", allowed=ALLOWED)


@pytest.mark.parametrize("origin", ["https://chat.lan:8000", "http://chat.lan", "null", "", None, "http://"])
def test_no_other_may(origin: str | None) -> None:
    assert not may_use_cookie(origin, own_scheme="http", own_host="chat.lan:8000", allowed=ALLOWED)


def test_without_a_host_there_is_no_own_origin() -> None:
    assert not may_use_cookie("http://", own_scheme="http", own_host="", allowed=())
