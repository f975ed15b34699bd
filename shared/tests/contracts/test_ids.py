"""Identifiers."""

from __future__ import annotations

from uuid import RFC_4122, UUID

import pytest

from chatire_shared.contracts.ids import is_canonical_uuid, is_sane_request_id, uuid7, uuid7_text


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    """RFC 9562: 48 bits of Unix milliseconds come first."""
    made = [uuid7(ms) for ms in (1, 2, 1_700_000_000_000, 1_700_000_000_001)]
    assert made == sorted(made)
    assert made[2].int >> 80 == 1_700_000_000_000


def test_ids_carry_version_and_variant() -> None:
    """Version 7, variant of RFC 9562."""
    for _ in range(200):
        value = uuid7()
        assert value.version == 7
        assert value.variant == "specified in RFC 4122"


def test_one_that_is_only_written_is_as_good() -> None:
    before = uuid7()
    text = uuid7_text()
    assert is_canonical_uuid(text)
    value = UUID(text)
    assert (value.version, value.variant) == (7, RFC_4122)
    assert before.int >> 80 <= value.int >> 80 <= uuid7().int >> 80
    assert len({uuid7_text() for _ in range(10_000)}) == 10_000


def test_many_ids_of_one_millisecond_differ() -> None:
    """74 random bits."""
    assert len({uuid7(5) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "value",
    [
        5,
        None,
        "",
        "urn:uuid:0190a1b2-0000-7000-8000-000000000000",
        "{0190a1b2-0000-7000-8000-000000000000}",
        "0190A1B2-0000-7000-8000-000000000000",
        "0190a1b2000070008000000000000000",
        "0190a1b2-0000-7000-8000-000000000000\n",
        "٠190a1b2-0000-7000-8000-000000000000",
        UUID(int=0),
    ],
)
def test_only_the_canonical_form_is_an_id(value: object) -> None:
    """No coercion of what looks like one."""
    assert not is_canonical_uuid(value)


def test_any_version_is_an_id() -> None:
    """A client's may be any version."""
    assert is_canonical_uuid("00000000-0000-0000-0000-000000000000")
    assert is_canonical_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


@pytest.mark.parametrize(
    ("value", "sane"),
    [
        ("a" * 8, True),
        ("a" * 64, True),
        ("a.b_c-9", False),
        ("a" * 65, False),
        ("abc def gh", False),
        ("abcdefgh\n", False),
        (None, False),
    ],
)
def test_request_ids_are_taken_over_only_when_sane(value: object, sane: bool) -> None:
    """8 to 64 of a small alphabet."""
    assert is_sane_request_id(value) is sane
