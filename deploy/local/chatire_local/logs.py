"""`./chatire logs`: what the parts wrote, each line under its part's name."""

import os
import sys
import time
from pathlib import Path

from .checkout import shown
from .data_folder import DataFolder
from .errors import UsageError

LINES_OF_ONE = 200
LINES_OF_EACH = 20
LOOK_EVERY_SECONDS = 0.2


def show_logs(path: Path, part: str | None, *, follow: bool) -> int:
    """Print the end of one log, or of each; with `follow`, also what comes, until Ctrl-C.

    Raises: UsageError, when no log of that name is there.
    """
    data = DataFolder(path)
    files = _choose(data, part)
    width = max(len(file.stem) for file in files)
    ends = {}
    for file in files:
        text = file.read_bytes()
        ends[file] = len(text)
        _print(
            file, text.decode(errors="replace").splitlines()[-(LINES_OF_ONE if part else LINES_OF_EACH) :], part, width
        )
    while follow:
        try:
            time.sleep(LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            break
        for file in _choose(data, part):
            ends[file] = _print_news(file, ends.get(file, 0), part, width)
    return 0


def _choose(data: DataFolder, part: str | None) -> list[Path]:
    files = sorted(data.logs.glob("*.log"))
    if not files:
        raise UsageError(f"there are no logs in {shown(data.path)} yet: nothing was started there.")
    if part is None:
        return files
    chosen = [file for file in files if file.stem == part]
    if not chosen:
        raise UsageError(f"there is no log of {part}. Logs: {', '.join(file.stem for file in files)}")
    return chosen


def _print_news(file: Path, end: int, part: str | None, width: int) -> int:
    """Print the whole lines behind `end`; return the new end. A file that was cut is read from its new beginning."""
    try:
        with file.open("rb") as handle:
            if handle.seek(0, os.SEEK_END) < end:
                end = 0
            handle.seek(end)
            news = handle.read()
    except FileNotFoundError:
        return 0  # It was set aside this moment; its successor will be read from the beginning.
    whole = news[: news.rfind(b"\n") + 1]
    _print(file, whole.decode(errors="replace").splitlines(), part, width)
    return end + len(whole)


def _print(file: Path, lines: list[str], part: str | None, width: int) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n" if part else f"{file.stem:<{width}} | {line}\n")
    sys.stdout.flush()
