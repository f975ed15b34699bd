"""`./chatire test`: runs suites as processes of their own, streams what they say, and ends with one line of counts.

Suites that bring their own servers run some at a time, and beside them, one by one, those that share a running stack;
after them, side by side as well, those that want quiet.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .checkout import ROOT, WEB
from .console import GREEN, RED, Console
from .counts import Counts, broken, from_pytest, from_vitest
from .errors import LauncherError
from .parts.web import WebClient, npm_environment
from .stack.errands import Errands
from .suites import SUITES, Needs, Suite
from .testbed import prepared_data, running_servers, running_stack, temporary_folder

AT_A_TIME = 3
"""More than there are cores on a small machine: the longest suites wait most of their time for time-outs and starts."""
AT_A_TIME_ON_STACKS = 2
Turn = Callable[[], None]
"""What the pool runs at a time."""


class TestRun:
    """One `./chatire test`."""

    def __init__(self, suites: list[Suite], console: Console, folder: Path) -> None:
        """Write reports into `folder`."""
        self._suites = suites
        self._console = console
        self._folder = folder
        self._results: dict[str, Counts] = {}
        self._children: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._given_up = threading.Event()

    def run(self) -> dict[str, Counts]:
        """Run everything; return what each suite counted."""
        try:
            self._run_side_by_side([suite for suite in self._suites if suite.needs is not Needs.QUIET])
            self._run_with_stacks_of_their_own([suite for suite in self._suites if suite.needs is Needs.QUIET])
        finally:
            self._end_children()
        return self._results

    def _run_side_by_side(self, suites: list[Suite]) -> None:
        wanting = [suite.name for suite in suites if suite.needs is Needs.SERVERS]
        with ExitStack() as until_end:
            environments: Mapping[str, Mapping[str, str]] = {}
            if wanting:
                servers = running_servers(wanting, self._folder / "servers", self._console)
                environments = until_end.enter_context(servers)
            self._run_pool(self._turns(suites, environments), AT_A_TIME)

    def _turns(self, suites: list[Suite], environments: Mapping[str, Mapping[str, str]]) -> list[Turn]:
        """One for each suite; where the first of those on a stack stands, all of them."""
        on_stack = [suite for suite in suites if suite.needs is Needs.STACK]
        alone = [suite for suite in suites if suite not in on_stack[1:]]
        return [
            partial(self._run_on_stack, on_stack)
            if suite.needs is Needs.STACK
            else partial(self._run_suite, suite, environments.get(suite.name, {}))
            for suite in alone
        ]

    def _run_pool(self, turns: list[Turn], at_a_time: int) -> None:
        with ThreadPoolExecutor(at_a_time) as pool:
            running = [pool.submit(turn) for turn in turns]
            try:
                for turn in running:
                    turn.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end_children()
                raise

    def _run_on_stack(self, suites: list[Suite]) -> None:
        try:
            with running_stack(self._folder / "stack") as environment:
                for suite in suites:
                    if not self._given_up.is_set():
                        self._run_suite(suite, environment)
        except LauncherError as error:
            for suite in suites:
                self._results.setdefault(suite.name, broken(suite.name, str(error)))

    def _run_with_stacks_of_their_own(self, suites: list[Suite]) -> None:
        """Side by side as well: many of their seconds are waiting for what they have broken."""
        if not suites:
            return
        try:
            with prepared_data(self._folder / "prepared") as environment:
                self._run_pool([partial(self._run_suite, suite, environment) for suite in suites], AT_A_TIME_ON_STACKS)
        except LauncherError as error:
            for suite in suites:
                self._results.setdefault(suite.name, broken(suite.name, str(error)))

    def _run_suite(self, suite: Suite, environment: Mapping[str, str]) -> None:
        self._console.title(f"{suite.name}: starting")
        try:
            counts = self._run_vitest(suite) if suite.in_javascript else self._run_pytest(suite, environment)
        except OSError as error:
            counts = broken(suite.name, f"could not be run: {error}")
        self._results[suite.name] = counts
        self._console.line(f"{suite.name}: {counts}", style=RED if counts.failed else GREEN)

    def _run_pytest(self, suite: Suite, environment: Mapping[str, str]) -> Counts:
        report = self._folder / f"{suite.name}.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            str(suite.folder),
            f"--junitxml={report}",
            "-o",
            "junit_family=xunit2",
        ]
        code = self._stream(suite, command, ROOT, os.environ | dict(environment))
        return _judge(suite, code, from_pytest(suite.name, report) if report.exists() else None)

    def _run_vitest(self, suite: Suite) -> Counts:
        report = self._folder / f"{suite.name}.json"
        try:
            WebClient(Errands(), self._console).ensure_packages()
        except LauncherError as error:
            self._console.line(str(error))
            return broken(suite.name, "its npm packages could not be installed")
        reporters = ["--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
        code = self._stream(suite, ["npm", "test", "--", *reporters], WEB, npm_environment())
        return _judge(suite, code, from_vitest(suite.name, report) if report.exists() else None)

    def _stream(self, suite: Suite, command: list[str], folder: Path, environment: Mapping[str, str]) -> int:
        """Run one test program and pass on each line it writes, under the suite's name."""
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with self._lock:
            self._children.add(child)
        for line in child.stdout or ():
            self._console.line(f"{suite.name:<9}| {line.rstrip()}")
        return child.wait()

    def _end_children(self) -> None:
        self._given_up.set()
        with self._lock:
            for child in self._children:
                if child.poll() is None:
                    child.terminate()


def run_tests(names: list[str], console: Console) -> int:
    """Run the named suites, or all; 0 only if every test passed and every suite had some."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # So that it, too, leaves nothing running.
    chosen = [suite for suite in SUITES if (suite.name in names if names else suite.exists)]
    with temporary_folder("test") as folder:
        results = TestRun(chosen, console, folder).run()
    total = sum(results.values(), Counts())
    console.line()
    for failure in total.failures:
        console.line(f"failed  {failure}", style=RED)
    for name, counts in results.items():
        console.part(name, str(counts))
    seconds = time.monotonic() - began
    console.line(f"chatire test: {total} in {seconds:.0f} s", style=RED if total.failed else GREEN)
    return 1 if total.failed or not total.passed else 0


def _judge(suite: Suite, code: int, counts: Counts | None) -> Counts:
    """A report alone is not proof: the program must have ended well, and must have found tests."""
    if counts is None:
        return broken(suite.name, f"ended with exit code {code} before it could report")
    if counts.passed + counts.failed + counts.skipped == 0:
        return broken(suite.name, "found no tests")
    if code != 0 and not counts.failed:
        return counts + broken(suite.name, f"ended with exit code {code} although no test failed")
    return counts
