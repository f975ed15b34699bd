"""One service by itself, with fakes for neighbours: `python -m chatire_shared.testing.alone SERVICE COMMAND…`.

The command (a shell, if none is named) runs in the environment that the service needs, with throw-away servers; all of it
goes when the command ends.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import psycopg2
from psycopg2 import sql

from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.fake_auth import FakeAuth
from chatire_shared.testing.fake_messages import FakeMessages
from chatire_shared.testing.servers import ensure_postgres, ensure_redis
from chatire_shared.testing.tokens import TokenMint, public_jwk

SERVICES = ("auth", "messages", "gateway")
TICK_SECONDS = 1.0


class Alone:
    """What one service needs around it, from entering to leaving the context.

    Attributes:
        keys: The service keys of all three; whoever holds one may call in its name.
        auth: The fake beside messages and the gateway.
        messages: The fake beside the gateway.
        environment: What the service's processes are to be started with.
    """

    def __init__(self, service: str, *, auth_port: int = 0, messages_port: int = 0) -> None:
        self.service = service
        self.keys = {name: TokenMint(kid=name) for name in SERVICES}
        self.jwks = {"keys": [public_jwk(mint.private_key.public_key(), name) for name, mint in self.keys.items()]}
        self._ports = auth_port, messages_port
        self.auth: FakeAuth | None = None
        self.messages: FakeMessages | None = None
        self.environment: dict[str, str] = {}
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix=f"chatire-{self.service}-alone-"))
        redis_url, (auth_port, messages_port) = ensure_redis(), self._ports
        self.environment = self._files() | {
            "CHATIRE_REDIS_URL": redis_url,
            "CHATIRE_PUBLIC_ORIGIN": "http://localhost:8000",
            "DJANGO_SETTINGS_MODULE": f"{self.service}_service.settings",
        }
        if self.service in {"auth", "messages"}:
            self._database = f"{self.service}_alone_{uuid4().hex[:12]}"
            self.environment[f"CHATIRE_{self.service.upper()}_DATABASE_URL"] = _create(self._database)
        if self.service in {"messages", "gateway"}:
            self.auth = FakeAuth(self.jwks, auth_port)
            self.environment["CHATIRE_AUTH_URL"] = self.auth.url
        if self.service == "gateway" and self.auth is not None:
            tokens = Verifier(self.auth.mint, issuer="chatire", audience="chatire")
            self.messages = FakeMessages(tokens, self.jwks, redis_url, messages_port)
            self.environment["CHATIRE_MESSAGES_URL"] = self.messages.url
            threading.Thread(target=self._tick, args=(self.messages,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for fake in (self.auth, self.messages):
            if fake is not None:
                fake.close()
        if self.service in {"auth", "messages"}:
            _drop(self._database)
        shutil.rmtree(self._folder)

    def _files(self) -> dict[str, str]:
        secret, own, public = (self._folder / name for name in ("secret", "service.pem", "service-keys.json"))
        secret.write_text(uuid4().hex + uuid4().hex)
        own.touch(0o600)
        own.write_bytes(self.keys[self.service].pem())
        public.write_text(json.dumps(self.jwks))
        settings = {"CHATIRE_SECRET_KEY_FILE": str(secret)}
        if self.service != "auth":
            settings["CHATIRE_SERVICE_KEY_FILE"] = str(own)
        if self.service != "gateway":
            settings["CHATIRE_SERVICE_KEYS_FILE"] = str(public)
        if self.service == "auth":
            settings["CHATIRE_AUTH_KEYS_DIR"] = str(self._folder / "keys")
        return settings

    def _tick(self, messages: FakeMessages) -> None:
        while not self._stop.wait(TICK_SECONDS):
            messages.tick()


def _create(database: str) -> str:
    server = ensure_postgres()
    _administer(server, "CREATE DATABASE {}", database)
    return f"{server.rsplit('/', 1)[0]}/{database}"


def _drop(database: str) -> None:
    _administer(ensure_postgres(), "DROP DATABASE {} WITH (FORCE)", database)


def _administer(server: str, statement: str, database: str) -> None:
    with closing(psycopg2.connect(server)) as connection:
        connection.autocommit = True  # Neither can be inside a transaction.
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(database)))


def _introduce(alone: Alone) -> None:
    """Say what there is to try the service with."""
    lines = [f"{name}={value}" for name, value in sorted(alone.environment.items()) if name.endswith("_URL")]
    if alone.auth is not None:
        people = {name: alone.auth.register(name) for name in ("ada", "grace")}
        lines += [f"{name} is {user}; her token: {alone.auth.token(user, name)}" for name, user in people.items()]
        if alone.messages is not None:
            lines.append(f"their conversation: {alone.messages.begin(*people.values())}")
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def main() -> int:
    """Run a command beside the fakes; its exit status."""
    parser = argparse.ArgumentParser(prog="alone", description=__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--auth-port", type=int, default=0, help="of the fake of auth; any that is free")
    parser.add_argument("--messages-port", type=int, default=0, help="of the fake of messages; any that is free")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what to run; a shell, if left out")
    given = parser.parse_args()
    command = given.command[1:] if given.command[:1] == ["--"] else given.command
    with Alone(given.service, auth_port=given.auth_port, messages_port=given.messages_port) as alone:
        _introduce(alone)
        # Ctrl-C is the command's: it ends by it, and we then.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        running = subprocess.Popen(
            command or [os.environ.get("SHELL", "sh")],
            env=os.environ | alone.environment,
            preexec_fn=_heed_ctrl_c,  # noqa: PLW1509 (one handler, no thread of ours matters to it)
        )
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


if __name__ == "__main__":
    sys.exit(main())
