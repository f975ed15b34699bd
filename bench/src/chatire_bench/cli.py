"""The command line of `./chatire bench`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chatire_bench import machine, plot, servers
from chatire_bench.bench import Bench
from chatire_bench.errors import BenchError
from chatire_bench.figures import Row
from chatire_bench.places import RESULTS
from chatire_bench.report import table
from chatire_bench.rows import ROWS, SLOW_TO_START, WITHOUT_STACK

DESCRIPTION = (
    "Measure Chatire beside what people would use instead: its own stack and the peers are started in turn, each on the "
    "same core, with the same load, which is checked for anything lost, doubled or out of order. Wants a quiet machine."
)
_MOST_PAIRS = 99


def main(arguments: list[str] | None = None) -> int:
    """Run rows; the exit code: 0 all right, 1 something of ours was lost or doubled, 2 could not."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that it, too, leaves nothing running.
    facts, rows = machine.facts(), []
    try:
        with tempfile.TemporaryDirectory(prefix="chatire-bench-", ignore_cleanup_errors=True) as made:
            folder = chosen.data or Path(made)
            with servers.started(folder / "peers") as started:
                pairs = 1 if chosen.quick else chosen.pairs
                with closing(Bench(folder, pairs, chosen.quick, started, _tell_since())) as bench:
                    names = chosen.names or _all_rows(quick=chosen.quick)
                    if not WITHOUT_STACK.issuperset(names):
                        bench.begin()
                    for name in names:
                        rows.append(_run(bench, name))
                        _write(rows, facts, chosen)
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    return 1 if any(row.wrong for row in rows) else 0


def _all_rows(*, quick: bool) -> list[str]:
    return [name for name in ROWS if not quick or name not in SLOW_TO_START]


def _run(bench: Bench, name: str) -> Row:
    bench.tell(f"{name} …")
    row = ROWS[name](bench)
    if bench.quick:
        row.note("A quick run: small, once each, unfit to be quoted.")
    sys.stdout.write(table(row) + "\n")
    sys.stdout.flush()
    return row


def _write(rows: Sequence[Row], facts: dict[str, str], chosen: argparse.Namespace) -> None:
    """After every row, so that a run that is cut off has left what it found."""
    found: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": chosen.quick,
        "pairs": 1 if chosen.quick else chosen.pairs,
        "machine": facts,
        "rows": {row.name: row.as_json() for row in rows},
    }
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    picture = chosen.plot or RESULTS / ("quick.svg" if chosen.quick else "latest.svg")
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(plot.svg(rows, facts))
    picture.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")


def _tell_since() -> Callable[[str], None]:
    began = time.monotonic()

    def tell(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {text}\n")
        sys.stderr.flush()

    return tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./chatire bench", description=DESCRIPTION, allow_abbrev=False)
    add = parser.add_argument
    add("names", nargs="*", type=_row, metavar="NAME", help=f"rows (default all): {', '.join(ROWS)}")
    add("--pairs", type=_pairs, default=5, metavar="N", help="how often everybody takes a turn (default 5)")
    add("--quick", action="store_true", help="small and once each: to see that it works, not to quote")
    add("--json", type=Path, metavar="FILE", help="write everything that was found there")
    add("--plot", type=Path, metavar="FILE", help="the picture (default bench/results/latest.svg), its data beside it")
    add("--data", type=Path, metavar="DIR", help="keep the servers' data there (default: a temporary folder)")
    return parser


def _row(text: str) -> str:
    if text in ROWS:
        return text
    raise argparse.ArgumentTypeError(f"there is no row {text}; there are {', '.join(ROWS)}")


def _pairs(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST_PAIRS:
        return int(text)
    raise argparse.ArgumentTypeError(f"from 1 to {_MOST_PAIRS}")
