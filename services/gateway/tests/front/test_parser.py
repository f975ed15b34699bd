"""The parser alone against every vector, however its bytes are delivered."""

from __future__ import annotations

import random
import struct

import pytest
from parsing import cut, drained, parsed
from rawframes import CLOSE, PONG, TEXT, frame, text
from vectors import LIMIT, VECTORS, Vector

from gateway_service.front import wire
from gateway_service.front.masks import unmasked, unmasked_here


def test_there_are_enough_vectors_and_none_twice() -> None:
    names = [vector.name for vector in VECTORS]
    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_a_vector_has_its_outcome_however_it_is_delivered(vector: Vector) -> None:
    expected = list(vector.outcome)
    assert parsed([vector.sent]) == expected
    assert parsed(vector.sent[at : at + 1] for at in range(len(vector.sent))) == expected
    for seed in range(5):
        assert parsed(cut(vector.sent, seed)) == expected


def test_a_part_of_a_message_is_given_as_such_so_that_it_can_be_counted() -> None:
    parser = wire.Parser(LIMIT)
    parser.feed(text("a", fin=False))
    assert parser.next() == (wire.CONTINUATION, b"")
    assert parser.next() is None
    assert parser.unread == 1


def test_nothing_is_kept_when_nothing_is_under_way() -> None:
    parser = wire.Parser(LIMIT)
    parser.feed(text("a" * 1_000) + text("b" * 1_000, fin=False) + frame(0, b"c"))
    assert len(drained(parser)) == 2
    assert parser.unread == 0
    assert parser._data == b""
    assert parser._whole is parser._decoder is None


def test_a_few_bytes_of_a_frame_do_not_hold_the_whole_read() -> None:
    parser = wire.Parser(LIMIT)
    parser.feed(text("a" * 60_000) + text("b")[:3])
    assert len(drained(parser)) == 1
    assert len(parser._data) == parser.unread == 3


@pytest.mark.parametrize("end", [frame(CLOSE), frame(0x3)])
def test_after_its_end_a_parser_takes_nothing(end: bytes) -> None:
    parser = wire.Parser(LIMIT)
    parser.feed(end + text("x" * 1_000))
    drained(parser)
    parser.feed(text("y" * 1_000))
    assert parser.unread == 0
    assert parser.is_over


def test_a_frame_is_never_kept_beyond_the_limit() -> None:
    parser = wire.Parser(100)
    for _ in range(100):
        parser.feed(frame(TEXT, b"x", fin=False) if parser.unread == 0 else frame(0, b"x", fin=False))
        assert drained(parser) == []
    parser.feed(frame(0, b"x"))
    assert drained(parser) == [("broken", 1009)]
    assert parser.unread == 0


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 63, 64, 4_095, 4_096, 4_097, 70_001])
def test_both_ways_of_unmasking_do_the_same(size: int) -> None:
    payload, mask = random.Random(size).randbytes(size), b"\x01\x80\xff\x00"
    plain = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    assert unmasked_here(payload, mask) == unmasked_here(bytearray(payload), bytearray(mask)) == plain
    assert unmasked(payload, mask) == unmasked(bytearray(payload), bytearray(mask)) == plain


@pytest.mark.parametrize(
    ("size", "head"),
    [(0, b"\x81\x00"), (125, b"\x81\x7d"), (126, b"\x81\x7e\x00\x7e"), (65_535, b"\x81\x7e\xff\xff"),
     (65_536, b"\x81\x7f" + struct.pack("!Q", 65_536))],
)  # fmt: skip
def test_a_frame_is_sent_unmasked_whole_and_with_the_shortest_length(size: int, head: bytes) -> None:
    assert wire.frame(TEXT, b"x" * size) == head + b"x" * size


def test_a_close_frame_has_a_code_and_a_reason_that_fits() -> None:
    assert wire.close_frame(1012, "restarting") == b"\x88\x0c\x03\xf4restarting"
    assert wire.close_frame(wire.NO_CODE) == b"\x88\x00"
    cut_short = wire.close_frame(1000, "x" * 122 + "é")
    assert cut_short == b"\x88\x7c\x03\xe8" + b"x" * 122
    assert wire.frame(PONG, b"p") == b"\x8a\x01p"
