"""What a client may send, byte for byte, and what comes of it: each vector is one connection from its first frame on.

Outcomes: `("text", str)`, `("binary", bytes)`, `("ping", bytes)`, `("pong", bytes)`, `("close", code, reason)` of theirs,
and `("broken", code)`, after which nothing counts any more.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from rawframes import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, closing, frame, text

LIMIT = 131_072
PROTOCOL, UTF8, TOO_BIG = ("broken", 1002), ("broken", 1007), ("broken", 1009)
EURO = "€".encode()
SMILE = "😀".encode()
MIXED = "κόσμε ﬀ 😀"


@dataclass(frozen=True)
class Vector:
    """One case."""

    name: str
    sent: bytes
    outcome: tuple[Any, ...]


def _plain() -> list[Vector]:
    sizes = (0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 255, 256, 65_535, 65_536, 65_537, LIMIT)
    vectors = [Vector(f"text of {n} bytes", text("x" * n), (("text", "x" * n),)) for n in sizes]
    vectors += [Vector(f"binary of {n} bytes", frame(BINARY, b"\xfe" * n), (("binary", b"\xfe" * n),)) for n in sizes]
    masks = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01", b"\x80\x00\x00\x00", b"\x0d\x0a\x0d\x0a")
    vectors += [
        Vector(f"mask {mask.hex()}", frame(TEXT, b"masked by it", mask=mask), (("text", "masked by it"),))
        for mask in masks
    ]
    vectors += [
        Vector("text with every kind of character", text(MIXED), (("text", MIXED),)),
        Vector("text with NUL", text("a\0b"), (("text", "a\0b"),)),
        Vector("text with a byte order mark", text("\ufeffx"), (("text", "\ufeffx"),)),
        Vector("the last code point", text("\U0010ffff"), (("text", "\U0010ffff"),)),
        Vector("noncharacters", text("\ufffe\uffff"), (("text", "\ufffe\uffff"),)),
        Vector("binary that is no UTF-8", frame(BINARY, b"\xff\xfe"), (("binary", b"\xff\xfe"),)),
        Vector("nothing", b"", ()),
        Vector("a whole head and no payload yet", frame(TEXT, b"", declared=5), ()),
        Vector("two at once", text("a") + text("b"), (("text", "a"), ("text", "b"))),
        Vector("fifty at once", b"".join(text(str(n)) for n in range(50)), tuple(("text", str(n)) for n in range(50))),
        Vector("text, binary, text", text("a") + frame(BINARY, b"b") + text("c"),
               (("text", "a"), ("binary", b"b"), ("text", "c"))),
        Vector("one and a half", text("a") + text("bcd")[:-1], (("text", "a"),)),
    ]  # fmt: skip
    return vectors


def _control() -> list[Vector]:
    vectors = []
    for name, opcode in (("ping", PING), ("pong", PONG)):
        vectors += [
            Vector(f"{name} of {n} bytes", frame(opcode, b"p" * n), ((name, b"p" * n),)) for n in (0, 1, 4, 124, 125)
        ]
        vectors += [
            Vector(f"{name} of 126 bytes", frame(opcode, b"p" * 126), (PROTOCOL,)),
            Vector(f"{name} of 65,536 bytes", frame(opcode, b"p" * 65_536), (PROTOCOL,)),
            Vector(f"{name} in the 16-bit form", frame(opcode, b"p", form=16), (PROTOCOL,)),
            Vector(f"{name} that is fragmented", frame(opcode, b"p", fin=False), (PROTOCOL,)),
            Vector(f"{name} with bytes of any value", frame(opcode, bytes(range(125))), ((name, bytes(range(125))),)),
            Vector(f"{name} that is not masked", frame(opcode, b"p", mask=None), (PROTOCOL,)),
        ]
    vectors += [
        Vector("ten pings", frame(PING, b"p") * 10, (("ping", b"p"),) * 10),
        Vector("a pong nobody asked for, then text", frame(PONG, b"x") + text("a"), (("pong", b"x"), ("text", "a"))),
    ]
    return vectors


def _fragments() -> list[Vector]:
    begin, middle, end = text("one ", fin=False), frame(CONTINUATION, b"two ", fin=False), frame(CONTINUATION, b"three")
    whole = ("text", "one two three")
    empty = frame(CONTINUATION, b"", fin=False)
    many = text("", fin=False) + frame(CONTINUATION, b"ab", fin=False) * 200 + frame(CONTINUATION, b"")
    vectors = [
        Vector("three fragments", begin + middle + end, (whole,)),
        Vector("a beginning alone", begin, ()),
        Vector("a beginning and a middle", begin + middle, ()),
        Vector("two hundred fragments", many, (("text", "ab" * 200),)),
        Vector("fragments of nothing", text("", fin=False) + empty + frame(CONTINUATION, b""), (("text", ""),)),
        Vector("empty ones in between", begin + empty + middle + empty + end, (whole,)),
        Vector("binary in fragments", frame(BINARY, b"\xff", fin=False) + frame(CONTINUATION, b"\xfe"),
               (("binary", b"\xff\xfe"),)),
        Vector("two fragmented messages", (begin + end) * 2, (("text", "one three"),) * 2),
        Vector("text after fragments", begin + end + text("x"), (("text", "one three"), ("text", "x"))),
        Vector("a ping in between", begin + frame(PING, b"?") + end, (("ping", b"?"), ("text", "one three"))),
        Vector("pings and pongs in between",
               begin + frame(PING, b"1") + middle + frame(PONG, b"2") + frame(PING, b"3") + end,
               (("ping", b"1"), ("pong", b"2"), ("ping", b"3"), whole)),
        Vector("a close in between", begin + closing(1000), (("close", 1000, ""),)),
        Vector("continuation of nothing", end, (PROTOCOL,)),
        Vector("continuation of nothing, not final", middle, (PROTOCOL,)),
        Vector("continuation after a whole message", text("a") + end, (("text", "a"), PROTOCOL)),
        Vector("continuation after the last fragment", begin + end + end, (("text", "one three"), PROTOCOL)),
        Vector("text within text", begin + text("x"), (PROTOCOL,)),
        Vector("binary within text", begin + frame(BINARY, b"x"), (PROTOCOL,)),
        Vector("a beginning within a message", begin + text("x", fin=False), (PROTOCOL,)),
        Vector("text within binary", frame(BINARY, b"x", fin=False) + text("x"), (PROTOCOL,)),
        Vector("a broken ping in between", begin + frame(PING, b"", fin=False), (PROTOCOL,)),
        Vector("text within text after a ping", begin + frame(PING, b"?") + text("x"), (("ping", b"?"), PROTOCOL)),
    ]  # fmt: skip
    smile = "a😀€b".encode()
    vectors += [
        Vector(f"characters split after byte {at}",
               text(smile[:at], fin=False) + frame(CONTINUATION, smile[at:]), (("text", "a😀€b"),))
        for at in range(len(smile) + 1)
    ]  # fmt: skip
    byte_wise = b"".join(frame(CONTINUATION, bytes([byte]), fin=False) for byte in MIXED.encode())
    vectors.append(Vector("each byte a fragment", text("", fin=False) + byte_wise + frame(CONTINUATION, b""),
                          (("text", MIXED),)))  # fmt: skip
    return vectors


def _reserved() -> list[Vector]:
    vectors = [
        Vector(f"reserved bits {rsv:03b} on {name}", frame(opcode, b"", rsv=rsv), (PROTOCOL,))
        for rsv, name, opcode in (
            (4, "text", TEXT), (2, "text", TEXT), (1, "text", TEXT), (7, "text", TEXT), (4, "binary", BINARY),
            (4, "ping", PING), (1, "pong", PONG), (4, "close", CLOSE), (4, "continuation", CONTINUATION),
        )
    ]  # fmt: skip
    vectors += [
        Vector(f"opcode {opcode:#x}", frame(opcode, b"x"), (PROTOCOL,))
        for opcode in (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)
    ]
    vectors += [
        Vector("opcode 0x3 after text", text("a") + frame(0x3), (("text", "a"), PROTOCOL)),
        Vector(
            "a reserved bit on a later fragment", text("a", fin=False) + frame(CONTINUATION, b"b", rsv=4), (PROTOCOL,)
        ),
        Vector("opcode 0xB within a message", text("a", fin=False) + frame(0xB), (PROTOCOL,)),
        Vector("text that is not masked", frame(TEXT, b"x", mask=None), (PROTOCOL,)),
        Vector("empty text that is not masked", frame(TEXT, b"", mask=None), (PROTOCOL,)),
        Vector("binary that is not masked", frame(BINARY, b"x", mask=None), (PROTOCOL,)),
        Vector("close that is not masked", frame(CLOSE, struct.pack("!H", 1000), mask=None), (PROTOCOL,)),
        Vector(
            "a fragment that is not masked", text("a", fin=False) + frame(CONTINUATION, b"b", mask=None), (PROTOCOL,)
        ),
        Vector("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", (PROTOCOL,)),
        Vector("nothing counts after a break", frame(0x3) + text("a") + closing(1000), (PROTOCOL,)),
    ]
    return vectors


def _lengths() -> list[Vector]:
    return [
        Vector("125 in 16 bits", frame(TEXT, b"x" * 125, form=16), (PROTOCOL,)),
        Vector("0 in 16 bits", frame(TEXT, b"", form=16), (PROTOCOL,)),
        Vector("126 in 64 bits", frame(TEXT, b"x" * 126, form=64), (PROTOCOL,)),
        Vector("65,535 in 64 bits", frame(TEXT, b"x" * 65_535, form=64), (PROTOCOL,)),
        Vector("0 in 64 bits", frame(BINARY, b"", form=64), (PROTOCOL,)),
        Vector("the highest bit of 64", frame(TEXT, b"", form=64, declared=1 << 63), (PROTOCOL,)),
        Vector("all bits of 64", frame(TEXT, b"", form=64, declared=(1 << 64) - 1), (PROTOCOL,)),
        Vector("one byte too many", text("x" * (LIMIT + 1)), (TOO_BIG,)),
        Vector("one byte too many, declared only", frame(TEXT, b"", declared=LIMIT + 1), (TOO_BIG,)),
        Vector("binary with one byte too many", frame(BINARY, b"", declared=LIMIT + 1), (TOO_BIG,)),
        Vector("a declared gigabyte", frame(TEXT, b"", declared=1 << 30), (TOO_BIG,)),
        Vector("the largest declared length", frame(TEXT, b"", declared=(1 << 63) - 1), (TOO_BIG,)),
        Vector("as much as allowed in fragments",
               text("x" * 65_536, fin=False) + frame(CONTINUATION, b"x" * 65_536), (("text", "x" * LIMIT),)),
        Vector("a byte too many in fragments",
               text("x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"), (TOO_BIG,)),
        Vector("a byte too many, declared by the second fragment",
               text("x", fin=False) + frame(CONTINUATION, b"", declared=LIMIT), (TOO_BIG,)),
        Vector("a full message with an empty end",
               text("x" * LIMIT, fin=False) + frame(CONTINUATION, b""), (("text", "x" * LIMIT),)),
        Vector("a ping over a full message",
               text("x" * LIMIT, fin=False) + frame(PING, b"p") + frame(CONTINUATION, b""),
               (("ping", b"p"), ("text", "x" * LIMIT))),
        Vector("two of the largest", text("x" * LIMIT) * 2, (("text", "x" * LIMIT),) * 2),
    ]  # fmt: skip


def _utf8() -> list[Vector]:
    wrong = {
        "a lone continuation byte": b"\x80",
        "a lone last continuation byte": b"\xbf",
        "an overlong slash in 2 bytes": b"\xc0\xaf",
        "an overlong slash in 3 bytes": b"\xe0\x80\xaf",
        "an overlong slash in 4 bytes": b"\xf0\x80\x80\xaf",
        "an overlong NUL": b"\xc0\x80",
        "the first surrogate": b"\xed\xa0\x80",
        "the last surrogate": b"\xed\xbf\xbf",
        "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
        "beyond the last code point": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "six bytes": b"\xfc\x84\x80\x80\x80\x80",
        "0xFE": b"\xfe",
        "0xFF": b"\xff",
        "half a character at the end": b"abc\xe2\x82",
        "half a character in the middle": b"\xe2\x82abc",
        "three quarters of a character": b"\xf0\x9f\x98",
        "Latin-1": "é".encode("latin-1"),
    }
    vectors = [Vector(f"text that is {name}", text(value), (UTF8,)) for name, value in wrong.items()]
    vectors += [
        Vector(f"a fragment that is {name}", text(value, fin=False) + frame(CONTINUATION, b""), (UTF8,))
        for name, value in wrong.items()
    ]
    vectors += [
        Vector("a wrong byte before the end is enough", text(b"a\xff", fin=False), (UTF8,)),
        Vector("half a character, then another", text(EURO[:2], fin=False) + frame(CONTINUATION, SMILE), (UTF8,)),
        Vector("half a character at the end of fragments",
               text("a", fin=False) + frame(CONTINUATION, SMILE[:3]), (UTF8,)),
        Vector("surrogates across fragments", text(b"\xed", fin=False) + frame(CONTINUATION, b"\xa0\x80"), (UTF8,)),
        Vector("good text, then bad", text("a") + text(b"\xff"), (("text", "a"), UTF8)),
        Vector("a ping within a character", text(SMILE[:2], fin=False) + frame(PING, b"") + frame(CONTINUATION, SMILE[2:]),
               (("ping", b""), ("text", "😀"))),
    ]  # fmt: skip
    return vectors


def _closes() -> list[Vector]:
    good = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4401, 4999)
    bad = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
    vectors = [Vector(f"close {code}", closing(code), (("close", code, ""),)) for code in good]
    vectors += [Vector(f"close {code}", closing(code), (PROTOCOL,)) for code in bad]
    vectors += [
        Vector("close without a code", frame(CLOSE), (("close", 1005, ""),)),
        Vector("close with half a code", frame(CLOSE, b"\x03"), (PROTOCOL,)),
        Vector("close with a reason", closing(1000, EURO + b" bye"), (("close", 1000, "€ bye"),)),
        Vector("close with the longest reason", closing(1000, b"r" * 123), (("close", 1000, "r" * 123),)),
        Vector("close with too long a reason", closing(1000, b"r" * 124), (PROTOCOL,)),
        Vector("close with a reason that is no UTF-8", closing(1000, b"\xff"), (UTF8,)),
        Vector("close with half a character", closing(1000, EURO[:2]), (UTF8,)),
        Vector("close that is fragmented", frame(CLOSE, struct.pack("!H", 1000), fin=False), (PROTOCOL,)),
        Vector("close in the 16-bit form", frame(CLOSE, struct.pack("!H", 1000), form=16), (PROTOCOL,)),
        Vector("nothing counts after close", closing(1000) + text("a") + frame(PING), (("close", 1000, ""),)),
        Vector("nothing counts after close, not even a break", closing(1000) + frame(0x3), (("close", 1000, ""),)),
        Vector("close twice", closing(1000) + closing(1001), (("close", 1000, ""),)),
        Vector("text, ping, close", text("a") + frame(PING, b"p") + closing(1001),
               (("text", "a"), ("ping", b"p"), ("close", 1001, ""))),
    ]  # fmt: skip
    return vectors


VECTORS = [*_plain(), *_control(), *_fragments(), *_reserved(), *_lengths(), *_utf8(), *_closes()]
