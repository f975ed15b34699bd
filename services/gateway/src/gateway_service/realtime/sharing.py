"""Things by a key that few of them share, like sockets by their user. Pure."""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")


class Sharing(Generic[Key, Item]):
    """For each key its things; one that has a key to itself stands there as it is, since a set of one has 216 bytes."""

    def __init__(self) -> None:
        self._alone: dict[Key, Item] = {}
        self._shared: dict[Key, set[Item]] = {}

    def add(self, key: Key, item: Item) -> int:
        """Put it under a key, if it isn't there; how many are there now."""
        shared = self._shared.get(key)
        if shared is None:
            first = self._alone.setdefault(key, item)
            if first is item:
                return 1
            shared = self._shared[key] = {self._alone.pop(key)}
        shared.add(item)
        return len(shared)

    def discard(self, key: Key, item: Item) -> None:
        """Take it away from there, if it is there."""
        shared = self._shared.get(key)
        if shared is None:
            if self._alone.get(key) is item:
                del self._alone[key]
            return
        shared.discard(item)
        if not shared:
            del self._shared[key]

    def of(self, key: Key) -> list[Item]:
        """All that are there."""
        if key in self._alone:
            return [self._alone[key]]
        return list(self._shared.get(key, ()))
