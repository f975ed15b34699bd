"""One request and the answer to it, and the stage on which it is made: who is there and what has happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from chatire_shared.testing.tokens import TokenMint

S = TypeVar("S", bound="Stage")


class Stage(Protocol):
    """What both kinds of providers have."""

    url: str
    keys: dict[str, TokenMint]

    def close(self) -> None:
        """End what belongs to this stage alone."""


@dataclass(frozen=True)
class Asked:
    """A request: where to, with what, and by whom."""

    target: str
    body: Any = None
    caller: str | None = None
    callee: str = ""
    through_the_api_gateway: bool = False


@dataclass(frozen=True)
class Exchange(Generic[S]):
    """A row of a table.

    Attributes:
        says: The rule, as a sentence.
        call: The call as docs/internal.md names it.
        asks: Makes the request.
        answers: Makes the shape of the answer.
        before: What has to happen first.
    """

    says: str
    call: str
    asks: Callable[[S], Asked]
    answers: Callable[[S], Any]
    status: int = 200
    before: Callable[[S], Any] = lambda _: None
