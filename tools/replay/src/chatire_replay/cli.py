"""The command line of `./chatire replay`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from chatire_replay.errors import ReplayError
from chatire_replay.figures import table
from chatire_replay.pace import Pace
from chatire_replay.replay import Options, Replay
from chatire_replay.stack import Elsewhere, Stack

DESCRIPTION = (
    "Say IRC logs again on a running stack: every nick a user, every file a channel, every line over its author's own "
    "WebSocket, watched by people who lose the network now and then. Ends with a table; anything wrong: exit code 1."
)


def main(arguments: list[str] | None = None) -> int:
    """Run one replay; the exit code: 0 all right, 1 something is wrong, 2 could not."""
    options = _parser().parse_args(arguments)
    try:
        stack = _stack(options)
        figures = Replay(stack, _chosen(options)).run()
    except ReplayError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped\n")
        return 130
    sys.stdout.write(table(figures) + "\n")
    if options.json:
        options.json.write_text(json.dumps(figures.as_json(), indent=2) + "\n")
    return 1 if figures.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./chatire replay", description=DESCRIPTION, allow_abbrev=False)
    add = parser.add_argument
    add("files", nargs="+", type=_log, metavar="FILE", help="an IRC log; each becomes a channel")
    add("--watchers", type=_count, default=20, metavar="N", help="members of every channel who only read (default 20)")
    add(
        "--speed",
        type=_speed,
        default="max",
        metavar="max|real|N",
        help="as fast as it goes, as it was, or N times that",
    )
    add("--seed", type=int, default=1, help="of everything random (default 1)")
    add("--window", type=_count, default=64, metavar="N", help="messages under way in each channel (default 64)")
    add("--authors-open", type=_count, default=200, metavar="N", help="authors' sockets open at a time (default 200)")
    add("--kill-gateway", action="store_true", help="kill a gateway in the middle; the launcher starts it again")
    add("--data", type=Path, default=_data(), metavar="DIR", help="the stack's data folder (default var/)")
    add("--url", help="reach the stack here instead of at its own address")
    add(
        "--manage",
        type=shlex.split,
        metavar="COMMAND",
        help="with --url, for a stack that ./chatire didn't start: what runs auth's manage.py there, such as "
        "'docker compose exec -T auth python manage.py'",
    )
    add("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser


def _stack(options: argparse.Namespace) -> Stack | Elsewhere:
    if not options.manage:
        return Stack(options.data, options.url)
    if not options.url:
        raise ReplayError("--manage needs --url")
    return Elsewhere(options.url, options.manage)


def _chosen(options: argparse.Namespace) -> Options:
    return Options(
        files=options.files,
        watchers=options.watchers,
        speed=options.speed,
        seed=options.seed,
        window=options.window,
        most_open=options.authors_open,
        kill_gateway=options.kill_gateway,
    )


def _data() -> Path | None:
    """Where the launcher says the stack is, when it started us."""
    told = os.environ.get("CHATIRE_DATA")
    return Path(told) if told else None


def _log(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return path


def _speed(text: str) -> str:
    try:
        Pace.named(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a speed is `max`, `real` or a number above 0") from None
    return text


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
