"""Statistics, bars, table, plot: what is made of numbers."""

import xml.etree.ElementTree as ET

import pytest

from chatire_bench.figures import OURS, Bar, Figure, Row
from chatire_bench.plot import svg
from chatire_bench.report import number, table
from chatire_bench.statistics import Spread, ratio


def figure(bars=(), **samples):
    made = Figure("deliveries", "per CPU-second", list(bars))
    for name, values in samples.items():
        for value in values:
            made.add(name, value)
    return made


def test_a_ratio_is_the_median_of_the_pairs_ratios():
    # The machine was half as fast in the second pair: each pair says 2, the two medians would not.
    assert ratio([200, 100, 220], [100, 50, 110]) == 2
    assert ratio([10, 40, 30], [10, 10, 10]) == 3


def test_a_peer_that_ran_once_is_compared_by_medians():
    assert ratio([10, 20, 30], [5]) == 4


@pytest.mark.parametrize(("ours", "theirs"), [([], [1]), ([1], []), ([1], [0])])
def test_what_cannot_be_compared_has_no_ratio(ours, theirs):
    assert ratio(ours, theirs) is None


def test_a_spread_names_the_median_and_both_ends():
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3, 3)


@pytest.mark.parametrize(
    ("bar", "holds"),
    [
        (Bar("F1", 2, "peer"), True),
        (Bar("F1", 2.1, "peer"), False),
        (Bar("F3", 2, "peer", at_most=True), True),
        (Bar("F3", 1.9, "peer", at_most=True), False),
        (Bar("F6", 20), True),
        (Bar("F6", 19, at_most=True), False),
    ],
)
def test_a_bar_holds_or_is_missed(bar, holds):
    judged = figure(**{OURS: [20], "peer": [10]}).judged(bar)
    assert judged is not None
    assert judged[1] is holds


def test_a_bar_against_a_peer_that_was_left_out_is_not_judged():
    assert figure(**{OURS: [20]}).judged(Bar("F1", 2, "peer")) is None


@pytest.mark.parametrize(
    ("value", "text"), [(1_130_000.4, "1,130,000"), (99.94, "99.9"), (4.06, "4.1"), (0.0123, "0.012"), (0, "0.000")]
)
def test_a_number_has_the_digits_that_say_something(value, text):
    assert number(value) == text


def row():
    made = Row("fanout", "Fan-out <one room>")
    made.figures["deliveries"] = figure([Bar("F1", 5, "ws"), Bar("F1", 1)], **{OURS: [10, 12], "ws": [1, 1]})
    made.note("A note.")
    made.note("A note.")
    return made


def test_the_table_shows_contenders_spread_ratio_bars_and_notes():
    text = table(row())
    assert "chatire 11.0 (10.0 to 12.0, 2 runs)" in " ".join(text.split())
    assert "ours: 11.00 ×" in text
    assert "holds   F1 ≥ 5 × ws: 11.0" in text
    assert text.count("A note.") == 1


def test_what_went_wrong_stands_in_the_table():
    made = row()
    made.wrong.append("3 lost")
    assert "WRONG: 3 lost" in table(made)


def test_the_plot_is_a_picture_with_a_bar_for_each_contender():
    drawn = ET.fromstring(svg([row()], {"processor": "A & B", "cores": "2"}))
    names = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"chatire", "ws", "Fan-out <one room>"} <= set(names)
    bars = [bar for bar in drawn.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "18"]
    ours, theirs = (float(bar.get("width")) for bar in bars)
    assert ours == pytest.approx(11 * theirs, rel=0.02)


def test_a_row_as_json_has_medians_ratios_and_verdicts():
    (found,) = row().as_json()["figures"]
    assert found["medians"] == {OURS: 11, "ws": 1}
    assert found["ours_to"] == {"ws": 11}
    assert found["bars"] == [
        {"bar": "F1 ≥ 5 ×", "peer": "ws", "reached": 11, "holds": True},
        {"bar": "F1 ≥ 1", "peer": None, "reached": 11, "holds": True},
    ]
