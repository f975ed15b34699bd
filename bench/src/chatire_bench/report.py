"""The table that is printed: each figure with its contenders, their spread, our ratio to them, and the bars."""

from __future__ import annotations

from chatire_bench.figures import OURS, Bar, Figure, Row

_WIDTH = 26
_MANY, _SOME = 100, 1


def table(row: Row) -> str:
    """One row, as text."""
    lines = [row.name.upper() + "  " + row.title]
    for figure in row.figures.values():
        lines += ["", *_figure(figure)]
    lines += [f"  note: {note}" for note in row.notes]
    lines += [f"  WRONG: {wrong}" for wrong in row.wrong]
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A value with as many digits as say something."""
    if abs(value) >= _MANY:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= _SOME else f"{value:.3f}"


def _figure(figure: Figure) -> list[str]:
    lines = [f"  {figure.name}, {figure.unit}"]
    for contender in figure.samples:
        spread = figure.spread(contender)
        text = f"    {contender:<{_WIDTH}} {number(spread.median):>12}"
        if spread.runs > 1:
            text += f"  ({number(spread.lowest)} to {number(spread.highest)}, {spread.runs} runs)"
        ours_to = figure.ratio_to(contender) if contender != OURS else None
        if ours_to is not None:
            text += f"  ours: {ours_to:.2f} ×"
        lines.append(text)
    return lines + [_bar(figure, bar) for bar in figure.bars if figure.judged(bar) is not None]


def _bar(figure: Figure, bar: Bar) -> str:
    judged = figure.judged(bar)
    value, holds = judged or (0.0, False)
    against = f"{bar.text()} {bar.peer}" if bar.peer else f"{bar.text()} {figure.unit}"
    return f"    {'holds ' if holds else 'MISSED'}  {against}: {number(value)}"
