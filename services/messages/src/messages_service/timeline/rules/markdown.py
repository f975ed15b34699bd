"""From Markdown to HTML that may be put into a page: CommonMark with links found by themselves, strikethrough and tables.

Two walls: raw HTML is not parsed as such (it comes out as text), and whatever comes out is sanitised against a short list.
No remote content is loaded by looking at a message: an image becomes a link to it.
"""

from __future__ import annotations

import html
import logging
import re
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML

logger = logging.getLogger("chatire.messages")

MAX_HTML_BYTES = 65_536
"""More than this is shown as plain text: with it an event would not fit into a frame of 128 KiB."""

MAX_NESTING = 12
MAX_TABLE_CELLS = 4_000
MAX_SCHEMES = 150
"""What the parser would need over 100 ms for is shown as plain text: rows that a wide table's header fills up (8,000
characters took 840 ms) and thousands of address beginnings (430 ms). All else that was tried stays under 100 ms
(`tests/unit/test_markdown.py`)."""

_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_LANGUAGE = re.compile(r"language-[A-Za-z0-9+#._-]{1,32}")
_LINK = re.compile(r"(https?://|mailto:)[^\s]", re.IGNORECASE)
_MEANS_NOTHING = r"[^\x00-\x1f\x7f-\xa0\u2028\u2029\\`*_\[\]<>&~@./:]"
_PLAIN = re.compile(
    rf"(?=[^\W\d_])(?:{_MEANS_NOTHING}|\.(?![\w.])|\.{{2,}}(?!\w)|:(?![\w/])|/(?![\w/]*[/.@]))*+(?<!\s)"
)
"""A line in which Markdown changes nothing: from a letter on, without its signs, and with dots, colons and slashes only where
no link can be seen in them. Three quarters of 11,612 lines of IRC, at 4 µs instead of 110.
"""


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "code" and name == "class":
        return value if _LANGUAGE.fullmatch(value) else None
    return value


_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}},
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)


class _Renderer(RendererHTML):
    """Markdown-it's renderer, without images."""

    def image(self, tokens: Any, idx: int, options: Any, env: Any) -> str:
        """A link to the picture, named by its alternative text."""
        token = tokens[idx]
        address = html.escape(str(token.attrs.get("src", "")))
        name = self.renderInlineAsText(token.children or [], options, env) or str(token.attrs.get("src", ""))
        return f'<a href="{address}">{html.escape(name)}</a>'


def _parser() -> MarkdownIt:
    options = {"html": False, "linkify": True, "breaks": True, "maxNesting": MAX_NESTING}
    parser = MarkdownIt("commonmark", options, renderer_cls=_Renderer).enable(["linkify", "strikethrough", "table"])
    parser.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
    return parser


_markdown = _parser()


def render(body: str) -> str:
    """The sanitised HTML of a message's Markdown; text that can't be rendered in reason comes out as plain text.

    Never fails: a message is worth more than its looks.
    """
    if _PLAIN.fullmatch(body):
        return f"<p>{body}</p>"
    if _is_too_costly(body):
        return plain(body)
    try:
        rendered = _cleaner.clean(_markdown.render(body)).strip()
    except Exception:
        logger.exception("a body could not be rendered")
        return plain(body)
    return rendered if rendered and len(rendered.encode()) <= MAX_HTML_BYTES else plain(body)


def _is_too_costly(body: str) -> bool:
    lines = body.splitlines()
    columns = max((line.count("|") for line in lines), default=0)
    return columns * len(lines) > MAX_TABLE_CELLS or body.count(":/") > MAX_SCHEMES


def plain(body: str) -> str:
    """The text itself as one paragraph, line breaks kept."""
    text = html.escape(body.replace("\r\n", "\n").replace("\r", "\n"), quote=False)
    return f"<p>{text.strip(chr(10)).replace(chr(10), '<br>')}</p>"
