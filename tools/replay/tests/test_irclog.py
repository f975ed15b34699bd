from collections import Counter

import pytest
from samples import MORNING

from chatire_replay.irclog import Kind, Line, read


def one(raw):
    (line,) = read(raw)
    return line


def test_what_is_said_is_everything_after_the_nick_byte_for_byte():
    assert one(b"[12:18] <|trey|>   a  <b> c \t") == Line(1, Kind.SAID, 738, "|trey|", "  a  <b> c \t")


def test_an_action_keeps_its_star_and_its_nick():
    assert one(b"[07:35]  * SinPro slaps  somebody") == Line(1, Kind.SAID, 455, "SinPro", "* SinPro slaps  somebody")
    assert one(b"[07:09]  * nobody").text == "* nobody"


def test_a_nick_that_said_nothing_said_nothing():
    assert one(b"[12:15] <opteron>") == Line(1, Kind.SAID, 735, "opteron", "")


@pytest.mark.parametrize(
    ("raw", "kind", "nick"),
    [
        (b"=== tuxx [~tuxx@host.example.org]  has joined #ubuntu", Kind.JOINED, "tuxx"),
        (b"=== topyli [~juha@host.example.org]  has left #ubuntu []", Kind.LEFT, "topyli"),
        (b'=== x` [n=x@2001:db8::1]  has left #ubuntu ["Leaving [now]"]', Kind.LEFT, "x`"),
        (b"=== daniel^ [d@host.example.org]  has quit [Ping timeout]", Kind.LEFT, "daniel^"),
        (b"=== rob has quit", Kind.LEFT, "rob"),
        (b"=== rob was kicked off #ubuntu by seveas (enough)", Kind.LEFT, "rob"),
    ],
)
def test_joins_and_leaves(raw, kind, nick):
    line = one(raw)
    assert (line.kind, line.nick) == (kind, nick)


def test_a_new_name():
    line = one(b"=== usual is now known as ubuntor")
    assert (line.kind, line.nick, line.text) == (Kind.RENAMED, "usual", "ubuntor")


def test_the_rest_is_notes_and_empty_lines():
    assert one(b"=== ogra thinks MrBurns has joined in spirit").kind is Kind.NOTE
    assert one(b"=== mode/#ubuntu [-b *!*@host.example.org]  by Seveas").kind is Kind.NOTE
    assert one(b"  ").kind is Kind.EMPTY
    assert one(b"no log at all").kind is Kind.UNKNOWN


def test_only_a_line_feed_ends_a_line():
    text = "[00:00] <ada> a\u2028b\u0085c\x0bd\x1ce"
    assert [line.text for line in read(f"{text}\r\n".encode())] == ["a\u2028b\u0085c\x0bd\x1ce"]


def test_what_is_not_utf_8_is_latin_1():
    assert one(b"[00:00] <ada> Gr\xfc\xdfe").text == "Grüße"


def test_a_whole_log():
    lines = list(read(MORNING))
    kinds = Counter(line.kind for line in lines)
    assert kinds[Kind.SAID] == 8
    assert (kinds[Kind.JOINED], kinds[Kind.LEFT], kinds[Kind.RENAMED]) == (1, 2, 1)
    assert (kinds[Kind.NOTE], kinds[Kind.EMPTY], kinds[Kind.UNKNOWN]) == (2, 1, 0)
    assert [line.number for line in lines] == list(range(1, 16))
