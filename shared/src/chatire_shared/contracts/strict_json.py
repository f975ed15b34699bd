"""The JSON that the contract accepts, and nothing more lenient (protocol.md section 2, RFC 8259).

Python's parser takes NaN, lone surrogates, doubled keys and any depth; each of them would be an attack or a bug.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from chatire_shared.contracts.errors import FieldError, Invalid, Malformed

MAX_DEPTH = 16

_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?|[^{}\[\]"]+', re.DOTALL)
"""What is no bracket of structure: strings (also one that never ends), and everything else between them."""


class _Doubled(ValueError):
    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(field)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Doubled(key)
            seen.add(key)
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def loads(data: bytes | str) -> Any:
    """Parse one JSON value.

    Raises:
        Malformed: not UTF-8, not JSON, deeper than 16 levels, NaN or Infinity, lone surrogates.
        Invalid: an object has the same field twice.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        flat = _flat(text)
        if flat is not None:
            return flat
        if _too_deep(text):
            raise Malformed
        value = _decoder.decode(text)
        if "\\u" in text or "\\U" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        elif not isinstance(data, bytes):
            text.encode("utf-8")
    except _Doubled as error:
        raise Invalid(errors=[FieldError(error.field[:64], "doubled", "Send each field once.")]) from None
    except (ValueError, RecursionError):
        # UnicodeDecodeError, UnicodeEncodeError and JSONDecodeError are ValueErrors; so is an int of over 4,300 digits.
        raise Malformed from None
    return value


def _flat(text: str) -> dict[str, Any] | None:
    """An object of texts, integers, booleans and nulls, which most of what comes is, by the faster parser; None for others.

    That parser would take a field that is there twice. But each name has a colon, so all but those in the values are
    counted; one that is written as an escape would not be, and a float may stand for an integer too long for it.
    """
    if "\\u" in text:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if type(value) is not dict:
        return None
    colons = text.count(":")
    for item in value.values():
        kind = type(item)
        if kind is str:
            colons -= item.count(":")
        elif kind is not int and kind is not bool and item is not None:
            return None
    return value if colons == len(value) else None


def _too_deep(text: str) -> bool:
    """Whether brackets outside strings nest over MAX_DEPTH; looked at only where there are enough of them."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for char in _OUTSIDE_STRINGS.sub("", text):
        if char in "{[":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif char in "}]":
            depth -= 1
    return False


def loads_ours(data: bytes) -> Any:
    """Parse what one of our own services says, which is not looked at as strictly as a stranger's word.

    Raises:
        ValueError: not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _loads_leniently(data)


def _loads_leniently(data: bytes) -> Any:
    """With what only Python's parser takes, as lone surrogates: one item that is no Unicode must not void a whole batch."""
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError from error


def dumps(value: Any) -> str:
    """Compact JSON text, not escaped beyond need: 8,000 emoji stay under the frame limit. NaN becomes null.

    Raises:
        TypeError: something JSON has no form for, a lone surrogate, or an integer of more than 64 bits.
    """
    return orjson.dumps(value).decode()


def dumps_bytes(value: Any) -> bytes:
    """The same in UTF-8."""
    return orjson.dumps(value)
