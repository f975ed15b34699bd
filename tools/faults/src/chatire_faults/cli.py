"""The command line of `./chatire verify`."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import SystemRandom
from typing import Any

from chatire_faults import scenarios
from chatire_faults.campaign import Campaign, Options
from chatire_faults.errors import FaultsError
from chatire_faults.figures import Figures, table
from chatire_faults.history import History
from chatire_faults.machine import facts
from chatire_faults.nemesis import FAULTS
from chatire_faults.scenarios import Setting
from chatire_faults.stack import Stack

DESCRIPTION = (
    "Start a stack of its own, let people talk on it, kill, freeze and cut its parts and lines at random, and check that "
    "every promise was kept: nothing acknowledged is lost, nothing doubled, reordered, left out or leaked. "
    "Ends with a table; anything wrong: exit code 1."
)
_LARGEST_SEED = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run one campaign, or scenarios; the exit code: 0 all right, 1 something is wrong, 2 could not."""
    chosen = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that it, too, leaves no stack running.
    try:
        return _play(chosen) if chosen.scenario else _rage(chosen)
    except FaultsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130


def _rage(chosen: argparse.Namespace) -> int:
    options = _options(chosen)
    _tell_since(time.monotonic())(f"Seed {options.seed}; starting a stack …")
    with _folder() as folder:
        figures = _run(Path(folder), options)
    sys.stdout.write(table(figures) + "\n")
    _write(chosen.json, figures.as_json())
    return 1 if figures.wrong else 0


def _play(chosen: argparse.Namespace) -> int:
    """Run scenarios, one after the other."""
    seed = _seed(chosen)
    reports = []
    for name in chosen.scenario:
        tell = _tell_since(time.monotonic())
        tell(f"{name}, seed {seed}, scale {chosen.scale:g}")
        with _folder() as folder:
            reports.append(scenarios.find(name)(Setting(Path(folder), seed, chosen.scale, tell)))
        sys.stdout.write(reports[-1].table() + "\n")
        sys.stdout.flush()
    found = {report.scenario: {**report.figures, "wrong": report.wrong} for report in reports}
    _write(chosen.json, {"seed": seed, "scale": chosen.scale, **found})
    return 1 if any(report.wrong for report in reports) else 0


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="chatire-verify-", ignore_cleanup_errors=True)


def _write(where: Path | None, figures: dict[str, Any]) -> None:
    if where:
        where.write_text(json.dumps({"machine": facts(), **figures}, indent=2) + "\n")


def _seed(chosen: argparse.Namespace) -> int:
    return SystemRandom().randrange(_LARGEST_SEED) if chosen.seed is None else int(chosen.seed)


def _run(folder: Path, options: Options) -> Figures:
    with Stack.started(folder, detoured=True) as stack:
        campaign = Campaign(stack, options, _tell_since(time.monotonic()))
        figures = asyncio.run(campaign.run())
        if figures.wrong:
            kept = _keep(folder / "logs", campaign.history, options.seed)
            figures.trouble.append(f"logs and history are kept in {kept}")
        return figures


def _keep(logs: Path, history: History, seed: int) -> Path:
    """Keep what explains a failure: the logs of the parts, and what everybody remembers."""
    kept = Path(tempfile.mkdtemp(prefix=f"chatire-verify-failed-{seed}-"))
    shutil.copytree(logs, kept / "logs")
    with (kept / "history.jsonl").open("w") as out:
        for name in ("sent", "devices", "stored"):
            for each in getattr(history, name):
                out.write(json.dumps({name: asdict(each)}, default=lambda what: what.value) + "\n")
    return kept


def _tell_since(began: float) -> Callable[[str], None]:
    def tell(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {text}\n")
        sys.stderr.flush()

    return tell


def _options(chosen: argparse.Namespace) -> Options:
    return Options(
        seed=_seed(chosen),
        faults=list(FAULTS) if "all" in chosen.faults else chosen.faults,
        minutes=chosen.minutes,
        clients=chosen.clients,
        conversations=chosen.conversations,
        rate=chosen.rate,
        every_seconds=chosen.every,
        acked=chosen.acked,
        patience_seconds=chosen.patience,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./chatire verify", description=DESCRIPTION, allow_abbrev=False)
    add = parser.add_argument
    names = ", ".join(FAULTS)
    add("--minutes", type=_positive, default=5.0, metavar="N", help="how long things break (default 5)")
    add("--seed", type=int, help="of everything random (default: a new one, which is printed)")
    add("--faults", nargs="+", choices=("all", *FAULTS), default=["all"], metavar="NAME", help=f"all, or of: {names}")
    add("--clients", type=_some, default=60, metavar="N", help="people with a device each (default 60)")
    add("--conversations", type=_some, default=20, metavar="N", help="groups they talk in (default 20)")
    add("--rate", type=_positive, default=20.0, metavar="N", help="messages a second, all together (default 20)")
    add("--acked", type=int, default=0, metavar="N", help="go on, at most twice as long, until N are acknowledged")
    add("--every", type=_positive, default=6.0, metavar="SECONDS", help="pause between faults, about (default 6)")
    text = "how long everything may take to settle in the end (default 90)"
    add("--patience", type=_positive, default=90.0, metavar="SECONDS", help=text)
    hard = ", ".join(scenarios.names())
    add("--scenario", nargs="+", choices=scenarios.names(), metavar="NAME", help=f"instead of a random run: {hard}")
    add("--scale", type=_positive, default=1.0, metavar="N", help="of a scenario: multiplies every count (default 1)")
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("a number above 0")
    return number


def _some(text: str) -> int:
    number = int(text)
    if not 2 <= number <= 1_000:
        raise argparse.ArgumentTypeError("from 2 to 1000")
    return number
