"""How many tests passed, read from the reports that pytest and Vitest write for programs."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True)
class Counts:
    """The outcome of one suite, or of several."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: tuple[str, ...] = field(default=())

    def __add__(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.failures + other.failures,
        )

    def __str__(self) -> str:
        """In words, as the closing line has it."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def broken(suite: str, why: str) -> Counts:
    """A suite that failed as a whole, which is counted as one failure."""
    return Counts(failed=1, failures=(f"{suite}: {why}",))


def from_pytest(suite: str, report: Path) -> Counts:
    """Read JUnit XML. A test that fails and then fails again while it is torn down counts once."""
    passed = skipped = 0
    failures: list[str] = []
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - written by our own pytest a moment ago
        name = f"{suite}: {case.get('classname', '')}.{case.get('name', '')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(name)
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    distinct = tuple(dict.fromkeys(failures))
    return Counts(passed, len(distinct), skipped, distinct)


def from_vitest(suite: str, report: Path) -> Counts:
    """Read Vitest's JSON. A file that could not even be loaded is a failure without tests."""
    found = json.loads(report.read_text())
    cases = [case for file in found["testResults"] for case in file["assertionResults"]]
    failures = [f"{suite}: {case['fullName']}" for case in cases if case["status"] == "failed"]
    failures += [
        f"{suite}: {Path(file['name']).name} could not be loaded"
        for file in found["testResults"]
        if file["status"] == "failed" and not file["assertionResults"]
    ]
    passed = sum(case["status"] == "passed" for case in cases)
    skipped = sum(case["status"] in {"pending", "skipped", "todo", "disabled"} for case in cases)
    return Counts(passed, len(failures), skipped, tuple(failures))
