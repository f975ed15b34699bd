from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.contracts import strict_json
from chatire_shared.contracts.errors import Malformed
from gateway_service.realtime import protocol
from gateway_service.realtime.protocol import Refusal, parse

ID = "0190a1b2-0000-7000-8000-000000000001"
OTHER = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
GOOD: dict[str, dict[str, Any]] = {
    "auth": {"type": "auth", "token": "t"},
    "resume": {"type": "resume", "cursors": {ID: 5}},
    "send": {"type": "send", "id": ID, "conversation": OTHER, "body": "hello"},
    "read": {"type": "read", "conversation": ID, "seq": 5},
    "typing": {"type": "typing", "conversation": ID, "state": "started"},
    "watch": {"type": "watch", "users": [ID]},
    "ping": {"type": "ping", "n": 1},
}


def _parse(**fields: Any) -> Any:
    return parse(json.dumps(fields))


@pytest.mark.parametrize("name", GOOD)
def test_every_frame_of_the_contract_is_understood(name: str) -> None:
    assert type(_parse(**GOOD[name])).__name__.lower() == name


@pytest.mark.parametrize("name", GOOD)
def test_an_unknown_field_is_refused(name: str) -> None:
    assert isinstance(_parse(**GOOD[name], surprise=1), Refusal)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, frame in GOOD.items() for field in frame])
def test_a_missing_field_is_refused(name: str, field: str) -> None:
    frame = {key: value for key, value in GOOD[name].items() if key != field}
    assert isinstance(_parse(**frame), Refusal)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, frame in GOOD.items() for field in frame])
@pytest.mark.parametrize("value", [None, [5], 1.5, {"a": 1}, -1, 2**70, "\x00"])
def test_a_wrong_value_is_refused_and_never_an_error_of_ours(name: str, field: str, value: object) -> None:
    frame = GOOD[name] | {field: value}
    outcome = _parse(**frame)
    legal = {("ping", "n", -1), ("auth", "token", "\x00")}
    if not isinstance(value, list | dict) and (name, field, value) in legal:
        assert not isinstance(outcome, Refusal)
    else:
        assert isinstance(outcome, Refusal)


@pytest.mark.parametrize("body", ["", " ", "\n\t\u2003", "x" * 8_001, "a\x00b", 5, None, ["x"]])
def test_what_cannot_be_a_message_is_refused_with_its_id(body: object) -> None:
    assert _parse(**GOOD["send"] | {"body": body}) == Refusal(_parse(**GOOD["send"] | {"body": body}).detail, ID)


@pytest.mark.parametrize("body", ["x", " x ", "😀" * 8_000, "\u200b", "line\nline", "<script>"])
def test_a_body_is_taken_verbatim(body: str) -> None:
    assert _parse(**GOOD["send"] | {"body": body}).body == body


def test_answering_nothing_may_be_said_or_left_out() -> None:
    """As over HTTP, where a message's own shape says `null` too."""
    assert _parse(**GOOD["send"], reply_to=None) == _parse(**GOOD["send"])
    assert _parse(**GOOD["send"], reply_to=ID).reply_to == ID
    assert isinstance(_parse(**GOOD["send"], reply_to="x"), Refusal)


def test_a_doubled_field_is_refused_with_its_id() -> None:
    text = f'{{"type":"send","id":"{ID}","id":"{ID}","conversation":"{OTHER}","body":"x"}}'
    refusal = parse(text)
    assert isinstance(refusal, Refusal)
    assert refusal.id == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '"text"',
        '{"type":"ping","n":NaN}',
        '{"type":"ping","n":' + "[" * 20_000,
        '{"type":"send","body":"\\ud800"}',
        "{" + '"a":{' * 17 + "}" * 18,
        '{"type":"ping","n":1,"n":',
    ],
)
def test_what_is_no_json_object_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text)


def test_cursors_are_bounded_and_well_formed() -> None:
    many = {f"0190a1b2-0000-7000-8000-{number:012x}": 1 for number in range(501)}
    assert isinstance(_parse(type="resume", cursors=many), Refusal)
    many.popitem()
    assert not isinstance(_parse(type="resume", cursors=many), Refusal)
    for cursors in ({"x": 1}, {ID: "1"}, {ID: True}, {ID: -1}, [ID]):
        assert isinstance(_parse(type="resume", cursors=cursors), Refusal)


@pytest.mark.parametrize("state", [True, False, "started", "a", "x" * 16])
def test_states_of_typing(state: object) -> None:
    assert _parse(type="typing", conversation=ID, state=state).state == state


_NAMES = st.sampled_from(
    ['"type"', '"id"', '"conversation"', '"body"', '"bo\\u0064y"', '"reply_to"', '"x:y"', '"token"', '"n"', '""']
)
_VALUES = st.sampled_from(
    [
        '"send"',
        f'"{ID}"',
        f'"{OTHER}"',
        '"hello"',
        '"a:b::c"',
        '"a\\u003ab"',
        '"\\":\\""',
        '" "',
        "null",
        "5",
        "-0",
        "1e2",
        "9223372036854775808",
        "18446744073709551616",
        "NaN",
        '"auth"',
        '"ping"',
        '{"a":1}',
        "[]",
    ]
)
_SPACE = st.sampled_from(["", " ", "\n", "\t "])
_PLAIN = [
    [('"type"', '"send"'), ('"id"', f'"{ID}"'), ('"conversation"', f'"{OTHER}"'), ('"body"', '"a:b"')],
    [('"type"', '"auth"'), ('"token"', '"a.b.c"')],
    [('"type"', '"ping"'), ('"n"', "7")],
]


@st.composite
def _nearly_plain(draw: st.DrawFn) -> str:
    """The text of a usual frame with fields changed, added, doubled or left out, and space where JSON allows it."""
    fields = list(draw(st.sampled_from(_PLAIN)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(fields)))
        fields[place : place + draw(st.integers(0, 1))] = draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=2))
    order = draw(st.permutations(fields))
    inner = ",".join(f"{draw(_SPACE)}{name}{draw(_SPACE)}:{draw(_SPACE)}{value}{draw(_SPACE)}" for name, value in order)
    return f"{draw(_SPACE)}{{{inner}}}{draw(_SPACE)}"


def _outcome(text: str) -> Any:
    try:
        return parse(text)
    except Malformed:
        return Malformed


@given(_nearly_plain())
def test_the_quick_way_of_a_plain_frame_reads_nothing_else_than_the_strict_one(text: str) -> None:
    quick = _outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "_plain", lambda _: None)
        patch.setattr(strict_json, "_flat", lambda _: None)
        assert _outcome(text) == quick


@pytest.mark.parametrize("body", ["hello", "a: b", "http://x.y:80/", "größe 😀", "x" * 8_000, 'say "hi"', "line\nline"])
@pytest.mark.parametrize("spaced", [False, True])
def test_nearly_all_sends_go_the_quick_way(body: str, spaced: bool) -> None:
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(GOOD["send"] | {"body": body}, ensure_ascii=False, separators=separators)
    assert protocol._plain(strict_json._flat(text) or {}) == protocol.Send(ID, OTHER, body, None, ())


@pytest.mark.parametrize(
    ("value", "frame"),
    [
        ({"type": "auth", "token": "a.b.c"}, protocol.Auth("a.b.c", None, {})),
        ({"type": "ping", "n": -7}, protocol.Ping(-7)),
    ],
)
def test_so_do_the_frames_of_each_connection(value: dict[str, Any], frame: protocol.ClientFrame) -> None:
    assert protocol._plain(value) == frame


@given(st.text(max_size=300))
def test_any_text_is_a_frame_a_refusal_or_malformed(text: str) -> None:
    try:
        outcome = parse(text)
    except Malformed:
        return
    assert isinstance(outcome, protocol.ClientFrame | Refusal)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["type", "id", "token", "body", "conversation", "cursors", "n", "seq", "x"]), json_values
    )
)
def test_any_object_is_a_frame_or_a_refusal(value: dict[str, Any]) -> None:
    assert isinstance(parse(json.dumps(value)), protocol.ClientFrame | Refusal)
