"""Cursors and limits of lists."""

from __future__ import annotations

import pytest

from chatire_shared.contracts.errors import Invalid
from chatire_shared.http.pages import bounded_integer, decode_cursor, encode_cursor, page_limit


def test_a_cursor_survives_the_round_trip() -> None:
    """What `next` says is what `?cursor=` means."""
    position = ["2026-11-23T09:00:00.000000Z", "0190a1b2-0000-7000-8000-000000000000"]
    assert decode_cursor(encode_cursor(position), 2) == position


@pytest.mark.parametrize(
    "value", ["", "x", "!!!!", "e30", encode_cursor([1]), encode_cursor([1, 2, 3]), "W" * 10_000, "é"]
)
def test_a_foreign_cursor_is_invalid(value: str) -> None:
    """Never an internal error."""
    with pytest.raises(Invalid):
        decode_cursor(value, 2)


@pytest.mark.parametrize("raw", ["0", "201", "-1", "1.5", "abc", "", "١", "9" * 50, " 5"])
def test_a_limit_out_of_range_is_invalid(raw: str) -> None:
    """Refused, not clamped (protocol.md section 2)."""
    with pytest.raises(Invalid):
        page_limit(raw, default=50, maximum=200)


def test_limits_within_range_pass() -> None:
    """The default without one."""
    assert page_limit(None, default=50, maximum=200) == 50
    assert page_limit("200", default=50, maximum=200) == 200
    assert bounded_integer("after", "0", minimum=0, maximum=10) == 0
