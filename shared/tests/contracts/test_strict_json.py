"""What the contract calls JSON (protocol.md section 2)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.contracts.errors import Invalid, Malformed
from chatire_shared.contracts.strict_json import MAX_DEPTH, dumps, dumps_bytes, loads, loads_ours

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
).filter(lambda value: _depth(value) <= MAX_DEPTH)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@given(plain_json)
def test_ordinary_json_reads_as_pythons_parser_reads_it(value: object) -> None:
    """Strictness refuses; it never changes a value."""
    for text in (json.dumps(value), dumps(value)):
        assert loads(text.encode()) == value


@given(plain_json)
def test_what_we_say_ourselves_is_compact_and_read_back(value: object) -> None:
    assert dumps_bytes(value).decode() == dumps(value)
    assert json.loads(dumps(value)) == loads_ours(dumps_bytes(value)) == value


@given(st.text())
def test_a_text_is_written_as_pythons_encoder_writes_it(text: str) -> None:
    """So that an event reads the same, byte for byte, whichever version of us has written it."""
    assert dumps({text: [text]}) == json.dumps({text: [text]}, ensure_ascii=False, separators=(",", ":"))


def test_one_of_ours_may_say_a_lone_surrogate_which_is_then_judged_by_itself() -> None:
    assert loads_ours(b'["fine", "\\ud800"]') == ["fine", "\ud800"]


@pytest.mark.parametrize("data", [b"", b"{", b"{} {}", b"\xff", b"[" * 100_000])
def test_what_is_no_json_at_all_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whichever)
        loads_ours(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[1,]",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        b'{"a": "\x00"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 5_000,
        b"{} {}",
    ],
)
def test_what_is_not_json_is_malformed(data: bytes) -> None:
    """Not one of them is an internal error, whatever Python's parser makes of it."""
    with pytest.raises(Malformed):
        loads(data)


@pytest.mark.parametrize("data", ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '{"a":1,"\\u0061":2}'])
def test_a_doubled_field_is_invalid(data: str) -> None:
    """Also inside, and when spelled with an escape."""
    with pytest.raises(Invalid) as caught:
        loads(data)
    assert [error.code for error in caught.value.errors] == ["doubled"]


def test_sixteen_levels_pass_and_seventeen_do_not() -> None:
    """Brackets inside strings don't count."""
    assert loads("[" * 16 + "]" * 16)
    assert loads('["' + "[" * 50 + '"]') == ["[" * 50]
    assert loads('["\\"' + "[" * 50 + '"]') == ['"' + "[" * 50]
    with pytest.raises(Malformed):
        loads("[" * 17 + "]" * 17)


def test_emoji_are_not_escaped() -> None:
    """8,000 emoji fit a frame of 128 KiB only unescaped."""
    assert len(dumps({"body": "😀" * 8_000}).encode()) < 40_000


def test_a_surrogate_pair_is_one_character() -> None:
    """An escaped pair is legal JSON."""
    assert loads(b'"\\ud83d\\ude00"') == "😀"
