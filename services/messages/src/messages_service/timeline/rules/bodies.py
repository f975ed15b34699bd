"""What a message's body may be (protocol.md section 4): 1 to 8,000 code points, verbatim."""

from __future__ import annotations

from chatire_shared.contracts.errors import Invalid

BODY_MAX = 8_000


def require_body(body: object) -> str:
    """The body, unchanged, when it may be posted.

    Raises:
        Invalid: not text, empty or only white space, over-long, with a NUL or a lone surrogate.
    """
    if not isinstance(body, str):
        raise Invalid.field("body", "invalid", "Send the body as text.")
    if not body or body.isspace():
        raise Invalid.field("body", "blank", "Write at least one character that isn't white space.")
    if len(body) > BODY_MAX:
        raise Invalid.field("body", "too_long", f"Use at most {BODY_MAX} characters.")
    if "\0" in body:
        raise Invalid.field("body", "null_characters_not_allowed", "Leave out the NUL character.")
    if not is_unicode(body):
        raise Invalid.field("body", "invalid", "Leave out lone surrogates.")
    return body


def is_unicode(text: str) -> bool:
    """Whether `text` can be written as UTF-8; a lone surrogate, which JSON's escapes can spell, can't."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
