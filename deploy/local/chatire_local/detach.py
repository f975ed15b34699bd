"""`up --detach`: the launcher goes on in the background, in a session of its own; this terminal sees it start."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from .console import Console
from .data_folder import DataFolder
from .options import StackOptions
from .processes import started


def run_detached(options: StackOptions, run: Callable[[Console, Callable[[], None]], int]) -> int:
    """Run the launcher in a child, and return as soon as its stack is healthy or has failed.

    Args:
        options: The stack, to recognise it in the run file.
        run: Runs the launcher to its end; calls what it is given once the stack is healthy.
    """
    sys.stdout.flush()
    from_child, to_parent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(from_child)
        _become_background(to_parent)
        console = Console()
        os._exit(_exit_code(lambda: run(console, lambda: _let_go(console))))
    os.close(to_parent)
    since = started(child)
    _copy_until_end(from_child, child)
    launcher = DataFolder(options.data).read_run().get("launcher", {})
    if launcher == {"pid": child, "since": since} and since:
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _become_background(output: int) -> None:
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)


def _let_go(console: Console) -> None:
    """Give the terminal back: the parent returns when nobody can write to the pipe any more."""
    console.let_go_of_terminal()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


def _exit_code(run: Callable[[], int]) -> int:
    from .cli import reporting_errors  # Not above: the command line imports this module too.

    code = reporting_errors(run)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _copy_until_end(source: int, child: int) -> None:
    with os.fdopen(source, "rb", buffering=0) as pipe:
        while True:
            try:
                data = pipe.read(4096)
            except KeyboardInterrupt:
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGTERM)
                continue
            if not data:
                return
            sys.stdout.write(data.decode(errors="replace"))
            sys.stdout.flush()
