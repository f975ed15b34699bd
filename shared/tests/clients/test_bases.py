"""Whom to ask next."""

from __future__ import annotations

import pytest

from chatire_shared.clients.bases import AVOID_SECONDS, Bases, base_urls


@pytest.mark.parametrize("text", ["http://a:1 http://b:2", "http://a:1,http://b:2/", " http://a:1/ ,\n http://b:2 "])
def test_addresses_are_separated_by_spaces_or_commas(text: str) -> None:
    assert base_urls(text) == ("http://a:1", "http://b:2")


@pytest.mark.parametrize("text", ["", " , "])
def test_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no base URL"):
        base_urls(text)


def test_everyone_is_first_in_turn() -> None:
    bases = Bases("a b c")
    firsts = [bases.in_turn()[0] for _ in range(6)]
    assert firsts[:3] == firsts[3:]
    assert set(firsts) == {"a", "b", "c"}


def test_who_failed_comes_last_for_a_while() -> None:
    now = 100.0
    bases = Bases("a b c", clock=lambda: now)
    bases.failed("b")
    assert {bases.in_turn()[-1] for _ in range(6)} == {"b"}
    now += AVOID_SECONDS
    assert {bases.in_turn()[0] for _ in range(6)} == {"a", "b", "c"}


def test_who_works_again_has_its_turn_again() -> None:
    bases = Bases("a b", clock=lambda: 100.0)
    bases.failed("b")
    bases.worked("b")
    assert {bases.in_turn()[0] for _ in range(4)} == {"a", "b"}


def test_all_that_failed_are_asked_nevertheless() -> None:
    bases = Bases("a b", clock=lambda: 100.0)
    bases.failed("a")
    bases.failed("b")
    assert sorted(bases.in_turn()) == ["a", "b"]
