"""What comes out of Markdown may be put into a page: whoever wrote it, whatever they tried."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatire_shared.contracts.strict_json import dumps
from messages_service.timeline.rules.markdown import MAX_HTML_BYTES, plain, render

TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title", "rel"}, "code": {"class"}, "ol": {"start"}}
ADDRESS = re.compile(r"(https?://|mailto:)\S", re.IGNORECASE)


class Guard(HTMLParser):
    """Reads HTML as a browser would and refuses all that is not on the short list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        self.tags.append(tag)
        for name, value in attrs:
            assert name in ATTRIBUTES.get(tag, set()), (tag, name)
            if name == "href":
                assert value is not None
                assert ADDRESS.match(value), value
                self.links.append(value)
            if name == "class":
                assert re.fullmatch(r"language-[A-Za-z0-9+#._-]{1,32}", value or "")
        if tag == "a" and "href" in dict(attrs):
            assert dict(attrs)["rel"] == "noopener noreferrer nofollow"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def guarded(body: str) -> Guard:
    """The rendering of `body`, read; fails for anything that isn't harmless."""
    html = render(body)
    assert html
    assert len(html.encode()) <= MAX_HTML_BYTES
    guard = Guard()
    guard.feed(html)
    guard.close()
    return guard


PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\n>alert(1)</script\n>",
    "<img src=x onerror=alert(1)>",
    '<img src="x" onerror="alert(1)"/>',
    "<img/src=x/onerror=alert(1)>",
    "<img src=`x`onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<input onfocus=alert(1) autofocus>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<base href=javascript:alert(1)//>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<p style=background:url(javascript:alert(1))>x</p>",
    "<a href=javascript:alert(1)>x</a>",
    "<a onclick=alert(1)>x</a>",
    "<!--<img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<!DOCTYPE html><script>alert(1)</script>",
    "</p><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea>",
    "<xss contenteditable onfocus=alert(1) tabindex=1>x</xss>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](\tjavascript:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;&#x61;vascript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](javascript://%0aalert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml;base64,PHN2Zy8+)",
    "[x](file:///etc/passwd)",
    "[x](blob:https://a.example/1)",
    "[x](//evil.example)",
    "[x](/api/auth/logout/)",
    "[x](#top)",
    '[x](https://a.example"onmouseover=alert(1))',
    "[x](https://a.example 'onmouseover=alert(1)')",
    '[x](https://a.example "\\" onmouseover=alert(1) \\"")',
    "[x](<javascript:alert(1)>)",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "[x][1]\n\n[1]: https://a.example '\"><script>alert(1)</script>'",
    "<javascript:alert(1)>",
    '<https://a.example/"onclick=alert(1)>',
    "![x](javascript:alert(1))",
    "![x](https://a.example/x.png)",
    '![x" onerror="alert(1)](https://a.example/x.png)',
    '![x](https://a.example/x.png"onerror="alert(1))',
    "![<img src=x onerror=alert(1)>](https://a.example/x.png)",
    "![![x](javascript:alert(1))](javascript:alert(1))",
    "[![x](https://a.example/x.png)](javascript:alert(1))",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "```x onmouseover=alert(1)\nx\n```",
    "``` a&quot; onclick=&quot;alert(1)\nx\n```",
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "|<img src=x onerror=alert(1)>|\n|:-:|\n|x|",
    "> <script>alert(1)</script>",
    "- <img src=x onerror=alert(1)>",
    "# <svg onload=alert(1)>",
    "https://a.example/<script>alert(1)</script>",
    'https://a.example/"onmouseover="alert(1)',
    "mailto:ada@a.example?subject=<script>",
    'ada@a.example"onclick=alert(1)',
    "www.a.example/'><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "<scr\u0131pt>alert(1)</scr\u0131pt>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_was_tried_comes_through(payload: str) -> None:
    for body in (payload, f"hello {payload} there", f"**{payload}**", f"> {payload}", f"1. {payload}"):
        guarded(body)


def test_there_are_enough_of_them() -> None:
    assert len(set(PAYLOADS)) >= 60


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*PAYLOADS, "\n", " ", "`", "*", "|", "\n\n", "[", "](", ")", "![", ">", "&"]), max_size=6)
)
def test_nor_any_mixture_of_them(parts: list[str]) -> None:
    guarded("".join(parts) or "x")


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_nor_any_text_at_all(body: str) -> None:
    if not body.isspace():
        guarded(body)


def test_raw_html_is_shown_as_the_text_it_is() -> None:
    assert "".join(guarded("<b>bold</b> & <i>").text).strip() == "<b>bold</b> & <i>"


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("Hello, world!", "<p>Hello, world!</p>"),
        ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>"),
        ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1\n</code></pre>'),
        ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
        ("it's 5 o'clock", "<p>it's 5 o'clock</p>"),
    ],
)
def test_ordinary_markdown_looks_as_it_should(body: str, html: str) -> None:
    assert render(body) == html


@pytest.mark.parametrize(
    ("body", "address"),
    [
        ("https://a.example/x?y=1&z=2", "https://a.example/x?y=1&z=2"),
        ("see http://a.example.", "http://a.example"),
        ("[x](https://a.example)", "https://a.example"),
        ("[x](HTTPS://A.EXAMPLE)", "HTTPS://A.EXAMPLE"),
        ("<https://a.example>", "https://a.example"),
        ("[x](mailto:ada@a.example)", "mailto:ada@a.example"),
        ("![x](https://a.example/x.png)", "https://a.example/x.png"),
    ],
)
def test_links_lead_where_they_say_and_tell_nobody(body: str, address: str) -> None:
    assert guarded(body).links == [address]
    assert 'rel="noopener noreferrer nofollow"' in render(body)


def test_a_picture_is_a_link_and_nothing_is_loaded() -> None:
    for body in (
        "![Ada](https://a.example/x.png)",
        "![](https://a.example/x.png)",
        "![*Ada*](https://a.example/x.png)",
    ):
        guard = guarded(body)
        assert "img" not in guard.tags
        assert "".join(guard.text).strip() in {"Ada", "https://a.example/x.png"}


MAX_FRAME_BYTES = 131_072


def frame_bytes(body: str) -> int:
    """How large an event is that carries this message, with some room for ids, names and times."""
    return 1_500 + len(dumps({"body": body, "html": render(body)}).encode())


PATHOLOGICAL = {
    "brackets": "[" * 8_000,
    "closing brackets": "[a](" * 2_000,
    "emphasis": "*a " * 2_666,
    "stars": "*" * 8_000,
    "underscores and stars": "_*" * 4_000,
    "backticks": "".join("`" * n + " " for n in range(125)),
    "quotes": ">" * 8_000,
    "lists": "- " * 4_000,
    "nested lists": "\n".join("  " * n + "- x" for n in range(85)),
    "entities": "&" * 8_000,
    "numeric entities": "&#" * 4_000,
    "angle brackets": "<" * 8_000,
    "comments": "<!--" * 2_000,
    "links": "[x](https://a.example) " * 340,
    "addresses": "https://a.b " * 660,
    "scheme beginnings": "http://" * 1_140,
    "mail addresses": "a@a.b " * 1_330,
    "dots and slashes": "./" * 4_000,
    "colons": "::" * 4_000,
    "a wide table": "|" * 3_990 + "\n" + "|-" * 1_990,
    "a wide table with rows": "|a" * 100 + "\n" + "|-" * 100 + "\n" + "|\n" * 3_700,
    "a long table": "|a|b|\n|-|-|\n" + "|c|d|\n" * 1_300,
    "headings": "# a\n" * 2_000,
    "rules": "---\n" * 2_000,
    "references": "".join(f"[{n}]: https://a.b\n" for n in range(420)),
    "tildes": "~~a" * 2_666,
    "images": "![" * 4_000,
    "nested images": "![a" * 2_000 + "](b)" * 500,
    "backslashes": "\\" * 8_000,
    "escaped": "\\*" * 4_000,
    "code fences": "```\n" * 2_000,
    "less-than signs with letters": "<a " * 2_666,
    "ampersands in code": "`&`" * 2_666,
    "emoji": "😀" * 8_000,
    "combining marks": "a" + "\u0301" * 7_999,
    "newlines": "a\n" * 4_000,
    "carriage returns": "a\r" * 4_000,
    "words": "word " * 1_600,
    "words and apostrophes": "a'" * 4_000,
    "punctuation": "a, " * 2_666,
    "one long word": "a" * 8_000,
    "quotes in quotes": "> " * 3_999 + "x",
    "tabs": "\t" * 7_999 + "x",
    "control characters in links": "<https://a.b/" + "\x01" * 7_900 + ">",
    "control characters in headings": "# \x01\n" * 2_000,
    "quotes in links": "[x](https://a.b/'\"')" * 400,
    "quotes in code": '`"`' * 2_666,
    "control characters in code": "`\x01`" * 2_666,
    "control characters in emphasis": "*\x01*" * 2_666,
}


@pytest.mark.parametrize("body", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_what_was_made_to_choke_the_parser_is_rendered_or_shown_plain(body: str) -> None:
    assert len(body) <= 8_000
    guarded(body)
    assert frame_bytes(body) <= MAX_FRAME_BYTES


@pytest.mark.parametrize("char", [*"&<>\"'*_`[]()!#|~\\-+.:/@=", "\x01", "\u2028", "😀", "é"])
def test_a_message_of_any_one_character_stays_small_enough_for_a_frame(char: str) -> None:
    guarded(char * 8_000)
    assert frame_bytes(char * 8_000) <= MAX_FRAME_BYTES


def test_plain_text_keeps_its_lines_and_shows_its_signs() -> None:
    assert plain("a < b\r\n\r\nc & d\n") == "<p>a &lt; b<br><br>c &amp; d</p>"
    assert plain('"quotes" stay') == '<p>"quotes" stay</p>'
