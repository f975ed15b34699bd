"""Whose word about an address counts (security.md R40)."""

from __future__ import annotations

import pytest

from chatire_shared.http.addresses import networks, resolve

TRUSTED = networks(["127.0.0.0/8", "::1/128", "172.30.0.0/16"])


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("172.30.1.2", "2001:db8::5", "2001:db8::5"),
        ("203.0.113.50", "198.51.100.1", "203.0.113.50"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "not an address", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, evil", "127.0.0.1"),
        ("", "203.0.113.9", ""),
    ],
)
def test_only_the_nearest_entry_of_a_trusted_proxy_counts(peer: str, header: str | None, expected: str) -> None:
    """What a stranger writes into the header is not where they are."""
    assert resolve(peer, header, TRUSTED) == expected
