"""The rules of refresh tokens, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.tokens.rules.refresh_tokens import (
    RefreshToken,
    SessionState,
    Verdict,
    derive_keys,
    first_token,
    judge,
    parse,
    successor_of,
)

KEYS = derive_keys("a secret key")
SESSION = UUID("01890000-0000-7000-8000-000000000001")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _chain(length: int) -> list[RefreshToken]:
    chain = [first_token(SESSION, KEYS)]
    while len(chain) < length:
        chain.append(successor_of(chain[-1], KEYS))
    return chain


def _state(newest: RefreshToken, *, rotated_ago: float | None = 1, revoked: bool = False) -> SessionState:
    return SessionState(
        generation=newest.generation,
        token_hash=newest.stored_hash,
        created_at=NOW - timedelta(days=1),
        seen_at=NOW - timedelta(minutes=1),
        rotated_at=None if rotated_ago is None else NOW - timedelta(seconds=rotated_ago),
        revoked=revoked,
    )


def _judge(token: RefreshToken, state: SessionState | None) -> Verdict:
    return judge(token, successor_of(token, KEYS), state, now=NOW)


def test_a_token_is_read_back_as_it_was_made() -> None:
    for token in _chain(3):
        assert parse(token.text, KEYS) == token
        assert len(token.text) == 96


def test_the_successor_is_always_the_same_and_never_another_tokens() -> None:
    chain = _chain(50)
    assert [successor_of(token, KEYS) for token in chain[:-1]] == chain[1:]
    assert len({token.text for token in chain}) == len({token.stored_hash for token in chain}) == 50


def test_two_sessions_never_share_a_secret() -> None:
    assert len({first_token(SESSION, KEYS).secret for _ in range(100)}) == 100


def test_without_the_servers_key_there_is_no_successor_and_no_tag() -> None:
    token, other = first_token(SESSION, KEYS), derive_keys("another key")
    assert successor_of(token, other).text != successor_of(token, KEYS).text
    assert parse(token.text, other) is None
    assert KEYS.tag != KEYS.successor


@given(st.text(max_size=120) | st.text("ABCDEFabcdef0123_-", min_size=91, max_size=91).map("crt1_".__add__))
def test_no_random_text_is_a_token(text: str) -> None:
    assert parse(text, KEYS) is None


@given(st.integers(5, 95), st.sampled_from("ABCXYZabcxyz019-_"))
def test_no_altered_token_is_a_token(place: int, char: str) -> None:
    token = first_token(SESSION, KEYS)
    altered = token.text[:place] + char + token.text[place + 1 :]
    assert parse(altered, KEYS) == (token if altered == token.text else None)


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(-2, Verdict.REPEAT), (0, Verdict.REPEAT), (10, Verdict.REPEAT), (10.001, Verdict.REUSED), (None, Verdict.REUSED)],
)
def test_the_token_just_spent_repeats_within_its_grace(seconds: float | None, verdict: Verdict) -> None:
    spent, newest = _chain(2)
    assert _judge(spent, _state(newest, rotated_ago=seconds)) is verdict


def test_any_older_one_is_reuse_however_soon() -> None:
    *older, _, newest = _chain(6)
    assert {_judge(token, _state(newest, rotated_ago=0)) for token in older} == {Verdict.REUSED}


def test_an_ended_session_is_told_to_whoever_holds_its_newest_tokens() -> None:
    oldest, spent, newest = _chain(3)
    verdicts = [_judge(token, _state(newest, revoked=True)) for token in (oldest, spent, newest)]
    assert verdicts == [Verdict.REUSED, Verdict.REVOKED, Verdict.REVOKED]


@pytest.mark.parametrize("times", [{"created_at": NOW - timedelta(days=30)}, {"seen_at": NOW - timedelta(days=7)}])
def test_a_session_that_ran_out_is_told(times: dict[str, datetime]) -> None:
    spent, newest = _chain(2)
    state = replace(_state(newest), **times)
    assert {_judge(token, state) for token in (spent, newest)} == {Verdict.EXPIRED}


def test_a_token_of_another_line_or_of_the_future_ends_nothing() -> None:
    """After a restore from a backup there may be tokens that the database has not heard of."""
    mine, other = _chain(3), _chain(3)
    assert _judge(mine[2], _state(mine[1])) is Verdict.UNKNOWN
    assert _judge(other[1], _state(mine[1])) is Verdict.UNKNOWN
    assert _judge(mine[0], None) is Verdict.UNKNOWN


def test_a_foreign_predecessor_does_not_get_this_lines_successor() -> None:
    other, newest = _chain(2)[0], _chain(2)[1]
    assert _judge(other, _state(newest)) is Verdict.REUSED


def test_the_session_is_inside_the_token() -> None:
    session = uuid4()
    token = parse(first_token(session, KEYS).text, KEYS)
    assert token is not None
    assert (token.session_id, token.generation) == (session, 0)
