"""Lines in which Markdown changes nothing are not parsed, and come out as if they were."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages_service.timeline.rules import markdown
from messages_service.timeline.rules.markdown import plain, render


def rendered_in_full(body: str) -> str:
    """What the parser makes of it, without the short way for plain lines."""
    return markdown._cleaner.clean(markdown._markdown.render(body)).strip() or plain(body)


PIECES = [
    *(
        "a",
        "Z",
        "é",
        "ß",
        "中",
        "0",
        "19",
        " ",
        "  ",
        "'",
        '"',
        "(",
        ")",
        ",",
        ".",
        "..",
        "...",
        ";",
        ":",
        ": ",
        "!",
        "?",
    ),
    *("/", "//", "#", "+", "-", "=", "|", "^", "$", "%", "{", "}", "@", "~", "&", "<", "_", "*", "`", "\\", "\n", "\t"),
    *(
        "\u200b",
        "\u0301",
        "\u00ad",
        "…",
        "http",
        "www",
        "mailto",
        "www.",
        ".com",
        "com",
        "localhost",
        "1.",
        "- ",
        "[x]",
    ),
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=16).map("".join) | st.text(min_size=1, max_size=40))
@settings(max_examples=1_500, deadline=None)
def test_a_line_that_goes_the_short_way_comes_out_as_from_the_parser(body: str) -> None:
    if markdown._PLAIN.fullmatch(body):
        assert render(body) == rendered_in_full(body)


@pytest.mark.parametrize(
    "body",
    [
        *(
            "hello there",
            "ada: yes, that's it",
            "I see... thanks!",
            "see you at 10, ok?",
            "yes / no",
            "some 50% (or more)",
        ),
        *("ctrl+alt+del", "what? #chatire", "a | b", 'it\'s "quoted"', "über-cool: naïve"),
    ],
)
def test_most_of_what_people_write_goes_the_short_way(body: str) -> None:
    assert markdown._PLAIN.fullmatch(body)
    assert render(body) == rendered_in_full(body) == f"<p>{body}</p>"


@pytest.mark.parametrize(
    "body",
    [
        *(
            "1. first",
            "- item",
            "# title",
            "go to kernel.org",
            "http://x",
            "mail a@b.c",
            "*hi*",
            "a_b_c",
            "`x`",
            "~~no~~",
        ),
        *("a\nb", "a < b", "&amp;", "[x](y)", "//host.de/x", "x ", " x", "www.example.com", "c:\\x"),
    ],
)
def test_what_could_mean_something_goes_through_the_parser(body: str) -> None:
    assert not markdown._PLAIN.fullmatch(body)
