"""The closing line of `./chatire test` counts what the test programs wrote down, and trusts no silence."""

import json
from pathlib import Path

import pytest

from chatire_local.counts import Counts, from_pytest, from_vitest
from chatire_local.suites import SUITES
from chatire_local.tests_runner import _judge

JUNIT = """<testsuites><testsuite>
  <testcase classname="a" name="passes"/>
  <testcase classname="a" name="fails"><failure/></testcase>
  <testcase classname="a" name="fails"><error/></testcase>
  <testcase classname="a" name="breaks"><error/></testcase>
  <testcase classname="a" name="is_skipped"><skipped/></testcase>
</testsuite></testsuites>"""
VITEST = {
    "testResults": [
        {"name": "/x/a.test.ts", "status": "failed", "assertionResults": [
            {"status": "passed", "fullName": "it works"},
            {"status": "failed", "fullName": "it breaks"},
            {"status": "skipped", "fullName": "it waits"},
            {"status": "todo", "fullName": "it dreams"},
        ]},
        {"name": "/x/b.test.ts", "status": "failed", "assertionResults": []},
    ]
}  # fmt: skip


def test_pytest_report(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(JUNIT)
    assert from_pytest("auth", tmp_path / "report.xml") == Counts(1, 2, 1, ("auth: a.fails", "auth: a.breaks"))


def test_vitest_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(VITEST))
    failures = ("web: it breaks", "web: b.test.ts could not be loaded")
    assert from_vitest("web", tmp_path / "report.json") == Counts(1, 2, 2, failures)


@pytest.mark.parametrize(
    ("code", "counts", "failed"),
    [
        (0, Counts(passed=3), 0),
        (1, Counts(passed=3, failed=1, failures=("x",)), 1),
        (3, Counts(passed=3), 1),  # pytest itself broke, after its tests
        (5, Counts(), 1),  # nothing was collected
        (0, Counts(), 1),
        (0, None, 1),
        (-9, None, 1),
    ],
)
def test_suite_that_ended_badly_is_a_failure(code: int, counts: Counts | None, failed: int) -> None:
    assert _judge(SUITES[0], code, counts).failed == failed


def test_closing_line() -> None:
    assert str(Counts(810, 0, 2) + Counts(2, 1, 1, ("x",))) == "812 passed, 1 failed, 3 skipped"
