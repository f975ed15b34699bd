"""Puts a stack together: which parts it has, where they listen, and what must happen before each may start."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from .console import Console
from .data_folder import DataFolder
from .keyring import Keyring
from .migrations import Migrations, run_manage
from .options import StackOptions
from .parts.builds import Build
from .parts.caddy import caddy_part
from .parts.postgres import Postgres
from .parts.services import Addresses, Services
from .parts.valkey import Valkey
from .parts.web import WebClient
from .ports import free_ports
from .stack.errands import Errands
from .stack.part import Part
from .stack.supervisor import Supervisor


@dataclass(frozen=True)
class ExternalServers:
    """Servers that exist already and are used instead of ours; an empty address means: start our own."""

    auth_database_url: str = ""
    messages_database_url: str = ""
    redis_url: str = ""

    @classmethod
    def from_environment(cls) -> "ExternalServers":
        """What the user's environment names."""
        return cls(
            auth_database_url=os.environ.get("CHATIRE_AUTH_DATABASE_URL", ""),
            messages_database_url=os.environ.get("CHATIRE_MESSAGES_DATABASE_URL", ""),
            redis_url=os.environ.get("CHATIRE_REDIS_URL", ""),
        )


class Assembly:
    """All parts of one stack, ready to be started in the right order."""

    def __init__(self, options: StackOptions, data: DataFolder, console: Console, errands: Errands) -> None:
        """Make missing secrets, choose ports, find the programs; start nothing yet."""
        self.options = options
        self._data = data
        self._console = console
        self._errands = errands
        self._external = ExternalServers.from_environment()
        keyring = Keyring(data)
        keyring.make_all()
        services = options.auths + options.messages + options.relays + options.gateways
        postgres_port, valkey_port, *ports = free_ports(2 + services)
        own_databases = not (self._external.auth_database_url and self._external.messages_database_url)
        self.postgres = Postgres(data, keyring, postgres_port) if own_databases else None
        self.valkey = None if self._external.redis_url else Valkey(data, keyring, valkey_port)
        self.addresses = self._addresses(ports)
        self.services = Services(data, keyring, options, self.addresses)

    def _addresses(self, ports: list[int]) -> Addresses:
        free = iter([f"127.0.0.1:{port}" for port in ports])
        return Addresses(
            auth_database_url=self._external.auth_database_url or self._own_database("auth"),
            messages_database_url=self._external.messages_database_url or self._own_database("messages"),
            redis_url=self.valkey.url if self.valkey else self._external.redis_url,
            auths=tuple(islice(free, self.options.auths)),
            messages=tuple(islice(free, self.options.messages)),
            relays=tuple(islice(free, self.options.relays)),
            gateways=tuple(islice(free, self.options.gateways)),
        )

    def _own_database(self, service: str) -> str:
        return self.postgres.url(service) if self.postgres else ""

    def start(self, supervisor: Supervisor) -> None:
        """Start everything; return when every part can serve."""
        with ThreadPoolExecutor(1) as aside:
            # The web client needs none of the parts, and on a first start it takes as long as all of them.
            web_root = aside.submit(WebClient(self._errands, self._console).ensure_built, self._data)
            try:
                self.start_servers(supervisor)
                self._prepare_services()
                supervisor.start([*self.services.parts(), self._caddy(web_root.result())])
            except BaseException:
                self._errands.cancel()
                raise

    def start_servers(self, supervisor: Supervisor) -> None:
        """Start the servers that keep data: PostgreSQL and Valkey, where they are ours."""
        parts: list[Part] = []
        if self.postgres:
            self.postgres.prepare(self._errands, self._console)
            parts.append(self.postgres.part())
        if self.valkey:
            parts.append(self.valkey.part())
        supervisor.start(parts)
        if self.postgres:
            self.postgres.provision()

    def _prepare_services(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            for prepared in [pool.submit(self._prepare_auth), pool.submit(self._prepare_messages)]:
                prepared.result()

    def _prepare_auth(self) -> None:
        self._migrate("auth", self.addresses.auth_database_url)
        if not any(self._data.auth_keys.iterdir()):
            run_manage(self._errands, "auth", self.services.environment("auth"), "ensure_keys")

    def _prepare_messages(self) -> None:
        self._migrate("messages", self.addresses.messages_database_url)

    def _migrate(self, service: str, url: str) -> None:
        migrations = Migrations(self._data, self._errands, self._console)
        migrations.apply(service, url, self.services.environment(service))

    def remade(self, name: str, source: str, settings: dict[str, str]) -> Part | None:
        """A service's part made anew; None for what is not a service of ours.

        Args:
            name: The part's.
            source: The tree to run it from.
            settings: Environment variables on top of those that every part of this stack gets.
        """
        build = Build(Path(source), settings)
        return next((part for part in self.services.parts(build) if part.name == name), None)

    def _caddy(self, web_root: Path) -> Part:
        return caddy_part(self._data, self.options, self.addresses, web_root)
