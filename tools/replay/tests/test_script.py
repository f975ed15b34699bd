from samples import MORNING

from chatire_replay.irclog import read
from chatire_replay.names import username
from chatire_replay.script import Deed, write

LINUS, AWAY = username("|linus|"), username("grace_[away]")


def acted(log):
    return [(step.deed.value, step.who) for step in write(read(log)).steps]


def test_joins_leaves_and_names_become_joins_and_leaves():
    assert acted(MORNING) == [
        ("join", "ada"),
        ("say", "ada"),
        ("join", LINUS),
        ("say", LINUS),
        ("join", "grace"),
        ("say", "grace"),
        ("say", "grace"),
        ("leave", "grace"),
        ("join", AWAY),
        ("say", AWAY),
        ("say", "ada"),
        ("leave", LINUS),
        ("join", LINUS),
        ("say", LINUS),
    ]


def test_bodies_are_verbatim():
    bodies = [step.body for step in write(read(MORNING)).steps if step.deed is Deed.SAY]
    assert bodies[1] == "yes :)  two  spaces and a trailing one "
    assert bodies[2] == "* grace waves"
    assert bodies[3] == "<b>not</b> html & not a nick: <ada>"
    assert bodies[4] == "✓ Grüße 🌱"


def test_what_nobody_can_send_is_counted_by_reason():
    log = b"[00:00] <ada>\n[00:00] <ada>  \t\n[00:00] <ada> a\0b\n[00:00] <ada> " + b"x" * 8001 + b"\n"
    script = write(read(log))
    assert script.spoken == 4
    assert script.steps == []
    assert script.skipped == {"only white space": 2, "has a NUL": 1, "too long": 1}


def test_the_nick_is_kept_as_first_spelt():
    people = write(read(MORNING)).people
    assert people["ada"] == "ada"
    assert people[LINUS] == "|linus|"


def test_a_line_of_every_minute_shares_it_and_midnight_goes_on():
    script = write(read(MORNING))
    times = [step.at_seconds for step in script.steps]
    assert times == sorted(times)
    assert times[0] == 0.0
    assert 180 <= times[-1] - times[0] < 300


def test_a_second_join_and_a_leave_of_nobody_do_nothing():
    log = b"=== ada [x]  has joined #a\n=== ada [x]  has joined #a\n=== bob [x]  has left #a []\n"
    script = write(read(log))
    assert [step.deed for step in script.steps] == [Deed.JOIN]
    assert script.skipped == {"left unseen": 1}
