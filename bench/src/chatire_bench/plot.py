"""The plot: one panel for each figure, a bar for each contender with a line from its lowest to its highest run. SVG.

Written by hand: horizontal bars and text need no library, and a file of a few kilobytes can be read in a diff.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from chatire_bench.figures import OURS, Figure, Row
from chatire_bench.report import number

_WIDTH, _LEFT, _RIGHT = 860, 220, 170
_BAR, _GAP, _HEAD, _PANEL_GAP = 18, 6, 26, 18
_OURS, _THEIRS, _INK, _FAINT = "#1f6f5c", "#9aa5b1", "#1d2329", "#5b6670"


def svg(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """All rows in one picture."""
    y, parts = (
        54.0,
        [_text(16, 28, "chatire bench", size=18, weight="600"), _text(16, 46, _caption(facts), fill=_FAINT)],
    )
    for row in rows:
        y += 14
        parts.append(_text(16, y + 14, row.title, size=15, weight="600"))
        y += 24
        for figure in filter(_is_drawn, row.figures.values()):
            panel, height = _panel(figure, y)
            parts += panel
            y += height + _PANEL_GAP
    height = y + 8
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif" font-size="12" fill="{_INK}">'
    )
    ground = f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def _is_drawn(figure: Figure) -> bool:
    """How busy a server or the load generator was belongs into the table only, unless there is a bar for it."""
    return bool(figure.bars) or figure.unit != "cores used"


def _caption(facts: dict[str, str]) -> str:
    wanted = [facts.get(key, "") for key in ("processor", "system", "commit")]
    return " · ".join([*(text for text in wanted if text), f"{facts.get('cores', '?')} cores"])


def _panel(figure: Figure, top: float) -> tuple[list[str], float]:
    parts = [_text(16, top + 14, f"{figure.name} ({figure.unit})", fill=_FAINT)]
    largest = max((figure.spread(name).highest for name in figure.samples), default=0.0) or 1.0
    room = _WIDTH - _LEFT - _RIGHT
    y = top + _HEAD
    for name in figure.samples:
        parts += _bar(figure, name, y, room / largest)
        y += _BAR + _GAP
    return parts, y - top


def _bar(figure: Figure, name: str, y: float, scale: float) -> list[str]:
    spread, middle = figure.spread(name), y + _BAR / 2
    colour = _OURS if name == OURS else _THEIRS
    low, high, end = (_LEFT + value * scale for value in (spread.lowest, spread.highest, spread.median))
    label = number(spread.median)
    ours_to = figure.ratio_to(name) if name != OURS else None
    if ours_to is not None:
        label += f"  (ours {ours_to:.2f} ×)"
    return [
        _text(_LEFT - 8, middle + 4, name, anchor="end", weight="600" if name == OURS else "400"),
        f'<rect x="{_LEFT}" y="{y:.1f}" width="{max(1.0, end - _LEFT):.1f}" height="{_BAR}" fill="{colour}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" stroke="{_INK}"/>',
        _text(max(high, end) + 6, middle + 4, label),
    ]


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    weight: str = "400",
    fill: str = _INK,
    anchor: str = "start",
) -> str:
    style = f'font-size="{size}" font-weight="{weight}" fill="{fill}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
