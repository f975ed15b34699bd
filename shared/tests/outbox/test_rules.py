"""What counts as done."""

from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.outbox.rules import settle


@dataclass(frozen=True)
class Line:
    id: int
    stream: UUID


@given(st.lists(st.integers(0, 3), max_size=30), st.sets(st.integers(0, 29)))
def test_done_is_what_precedes_the_first_fault_of_its_stream(streams: list[int], faulty: set[int]) -> None:
    rows = [Line(id_, UUID(int=stream)) for id_, stream in enumerate(streams)]
    outcome = settle(rows, dict.fromkeys(faulty, "bad"))
    for row in rows:
        faults_before = [r.id for r in rows if r.stream == row.stream and r.id in faulty and r.id < row.id]
        assert (row.id in outcome.done) == (not faults_before and row.id not in faulty)
        assert (row.id in outcome.failed) == (not faults_before and row.id in faulty)
