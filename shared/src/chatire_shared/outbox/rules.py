"""What may be published, and what counts as done after a try. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from chatire_shared.bus import wire
from chatire_shared.bus.groups import is_group_name


class Row(Protocol):
    """What these rules need to know of a pending row."""

    @property
    def id(self) -> int:
        """Rises in the order of recording."""

    @property
    def stream(self) -> UUID:
        """What it is in order with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try has come to.

    Attributes:
        done: Published, and everything before it in its stream as well: to be removed.
        failed: Could not be published for their own fault: at most one in each stream, the first.
    """

    done: tuple[int, ...]
    failed: tuple[int, ...]


def read(topic: str, payload: bytes, max_bytes: int) -> dict[str, Any]:
    """The message of a row.

    Raises: wire.BadMessage when it can't be published as it is: not a message, too large, or for no group.
    """
    if len(payload) > max_bytes:
        raise wire.BadMessage(f"{len(payload)} bytes are too many.")
    if not is_group_name(topic):
        raise wire.BadMessage("The topic is no group name.")
    return wire.decode(payload)


def settle(rows: Sequence[Row], faults: Mapping[int, str]) -> Outcome:
    """Divide rows, in order within each stream, at the first faulty one of each stream.

    What comes after a faulty row is neither done nor failed, whether it was published or not: it has to be published
    after it, or after it was parked.
    """
    done, failed, stopped = [], [], set()
    for row in rows:
        if row.stream in stopped:
            continue
        if row.id in faults:
            stopped.add(row.stream)
            failed.append(row.id)
        else:
            done.append(row.id)
    return Outcome(tuple(done), tuple(failed))
