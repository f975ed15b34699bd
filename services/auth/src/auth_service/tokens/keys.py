"""The keys of access tokens: previous, current and next, in one file that only auth can read (security.md R7, R9).

The file is replaced atomically under a lock, and every process notices: no restart, no half-written key.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from django.conf import settings

from auth_service.tokens.rules import keysets
from auth_service.tokens.rules.keysets import KeySet
from chatire_shared.contracts.errors import Unauthenticated, Unavailable

logger = logging.getLogger("chatire.auth.keys")

FILE_NAME = "access_keys.json"
_RETRY_SECONDS = 2


class KeyFolder:
    """The folder with the keys: makes, rotates and reads them."""

    def __init__(self, path: Path) -> None:
        self.file = path / FILE_NAME
        self._folder = path

    def ensure(self) -> bool:
        """Make keys unless there are some; any number of processes may do so at once.

        Returns: whether keys were made.
        Raises: OSError: the folder can't be written.
        """
        with self._locked():
            if self.file.exists():
                return False
            self._replace(keysets.new_key_set())
            return True

    def rotate(self, *, now: datetime, forget_old: bool = False) -> KeySet:
        """Let the next key sign from now on; returns the keys as they are then.

        Args:
            now: Time of the rotation.
            forget_old: Drop the public halves of old keys too.

        Raises:
            OSError: there are no keys, or the folder can't be written.
        """
        with self._locked():
            rotated = keysets.rotate(self.load(), now=now, forget_old=forget_old)
            self._replace(rotated)
            return rotated

    def load(self) -> KeySet:
        """The keys in the file.

        Raises:
            OSError, ValueError: they can't be read.
        """
        return keysets.from_document(json.loads(self.file.read_bytes()))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        with os.fdopen(os.open(self._folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _replace(self, keys: KeySet) -> None:
        temporary = self._folder / f"{FILE_NAME}.new"
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as output:
            json.dump(keysets.to_document(keys), output)
            output.flush()
            os.fsync(output.fileno())
        temporary.replace(self.file)


class KeyRing:
    """The keys as this process knows them: reloaded when the file changes, kept when it can't be read for a moment."""

    def __init__(self, folder: KeyFolder) -> None:
        self._folder = folder
        self._known: tuple[tuple[int, int, int], KeySet] | None = None
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after other keys were loaded."""
        self._listeners.append(listener)

    def keys(self) -> KeySet:
        """The keys now.

        Raises:
            Unavailable: none were ever read.
        """
        try:
            status = self._folder.file.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            known = self._known
            if known is None or known[0] != stamp:
                self._reload(stamp)
        except (OSError, ValueError) as error:
            logger.error("keys can't be read", extra={"error": type(error).__name__})  # noqa: TRY400 (no key in a trace)
        if self._known is None:
            raise Unavailable(retry_after_seconds=_RETRY_SECONDS)
        return self._known[1]

    def get(self, kid: str) -> EllipticCurvePublicKey:
        """The public key named `kid`, for a `Verifier`.

        Raises:
            Unauthenticated: there is no such key.
            Unavailable: no keys were ever read.
        """
        key = self.keys().public_keys().get(kid)
        if key is None:
            raise Unauthenticated
        return key

    def is_at_hand(self, kid: str) -> bool:
        """Whether there is such a key, for a `Verifier`."""
        return kid in self.keys().public_keys()

    def signing_key(self) -> tuple[str, EllipticCurvePrivateKey]:
        """The current key and its `kid`.

        Raises:
            Unavailable: no keys were ever read.
        """
        current = self.keys().current
        return current.kid, current.private

    def jwks(self) -> dict[str, Any]:
        """The JWK set that everybody may see.

        Raises:
            Unavailable: no keys were ever read.
        """
        return {"keys": [keysets.public_jwk(kid, key) for kid, key in self.keys().public_keys().items()]}

    def _reload(self, stamp: tuple[int, int, int]) -> None:
        with self._lock:
            if self._known is not None and self._known[0] == stamp:
                return
            self._known = (stamp, self._folder.load())
        for listener in self._listeners:
            listener()


@cache
def _ring_of(path: Path) -> KeyRing:
    return KeyRing(KeyFolder(path))


def key_ring() -> KeyRing:
    """This process's key ring, of the folder in settings."""
    return _ring_of(settings.AUTH_KEYS_DIR)


def key_folder() -> KeyFolder:
    """The folder in settings."""
    return KeyFolder(settings.AUTH_KEYS_DIR)
