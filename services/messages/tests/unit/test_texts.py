"""Titles, topics and bodies: what is taken, exactly as sent, and what isn't."""

from __future__ import annotations

import pytest

from chatire_shared.contracts.errors import Invalid
from messages_service.conversations.rules.kinds import Kind
from messages_service.conversations.rules.texts import TITLE_MAX, TOPIC_MAX, clean_title, clean_topic
from messages_service.timeline.rules.bodies import BODY_MAX, is_unicode, require_body


@pytest.mark.parametrize(
    "title", ["x", " padded ", "é" * TITLE_MAX, "😀" * TITLE_MAX, "\u202eright to left", "\t"[:0] + "a"]
)
@pytest.mark.parametrize("kind", [Kind.GROUP, Kind.CHANNEL])
def test_a_title_is_kept_as_sent(kind: Kind, title: str) -> None:
    assert clean_title(kind, title) == title


@pytest.mark.parametrize(
    "title", ["x" * (TITLE_MAX + 1), "  ", "\u2003", "a\nb", "a\0", "\x7f", "\u2028", "\u2029", "\ud800"]
)
@pytest.mark.parametrize("kind", [Kind.GROUP, Kind.CHANNEL])
def test_a_title_that_is_none_is_refused(kind: Kind, title: str) -> None:
    with pytest.raises(Invalid) as refused:
        clean_title(kind, title)
    assert [error.field for error in refused.value.errors] == ["title"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_only_a_group_may_be_untitled_if_it_isnt_direct(nothing: str | None) -> None:
    assert clean_title(Kind.GROUP, nothing) is None
    with pytest.raises(Invalid):
        clean_title(Kind.CHANNEL, nothing)


def test_a_direct_conversation_has_neither_title_nor_topic() -> None:
    assert clean_title(Kind.DIRECT, None) is None
    assert clean_topic(Kind.DIRECT, "") == ""
    for title in ("", "us"):
        with pytest.raises(Invalid):
            clean_title(Kind.DIRECT, title)
    with pytest.raises(Invalid):
        clean_topic(Kind.DIRECT, "us")


@pytest.mark.parametrize("topic", ["", " ", "x" * TOPIC_MAX, "😀" * TOPIC_MAX])
def test_a_topic_is_kept_as_sent(topic: str) -> None:
    assert clean_topic(Kind.GROUP, topic) == topic


@pytest.mark.parametrize("topic", ["x" * (TOPIC_MAX + 1), "a\nb", "\0", "\u2028"])
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    with pytest.raises(Invalid):
        clean_topic(Kind.CHANNEL, topic)


@pytest.mark.parametrize(
    "body", ["x", "\n x \n", "x" * BODY_MAX, "😀" * BODY_MAX, "\u200b", "\ufeff", "\x01", "a\r\nb"]
)
def test_a_body_is_kept_as_sent(body: str) -> None:
    assert require_body(body) is body


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "invalid"),
        (5, "invalid"),
        (b"x", "invalid"),
        (["x"], "invalid"),
        ("", "blank"),
        (" \t\r\n\u00a0\u2003\u3000", "blank"),
        ("x" * (BODY_MAX + 1), "too_long"),
        (" " * (BODY_MAX + 1), "blank"),
        ("a\0", "null_characters_not_allowed"),
        ("a\ud800", "invalid"),
        ("\udfff\ud800", "invalid"),
    ],
)
def test_a_body_that_may_not_be_posted_says_why(body: object, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_body(body)
    assert [(error.field, error.code) for error in refused.value.errors] == [("body", code)]


def test_only_whole_characters_are_unicode() -> None:
    assert is_unicode("😀\u0000\uffff")
    assert not is_unicode("\ud83d")
