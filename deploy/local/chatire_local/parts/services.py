"""The Django services and the relay as parts of the stack: their commands, and the environment each of them may see."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..checkout import VENV, manage_py
from ..data_folder import DataFolder
from ..keyring import Keyring
from ..options import StackOptions
from ..processes import StopPlan
from ..stack.part import BY_REQUEST, Part
from ..stack.probes import http_ready
from .builds import Build
from .detours import detoured

AUTH_WORKERS = 2
SERVICES_TIER = 3
RELAY_TIER = 2
GATEWAY_TIER = 1
# A gateway tells its clients to reconnect, in time-spread groups, before it goes.
GATEWAY_STOP_PLAN: StopPlan = ((BY_REQUEST[0][0], 20), BY_REQUEST[1])

# Of the user's own environment a service sees this much. `CHATIRE_…` passes too (a log level, allowed origins), but for
# the addresses and secrets, which each service gets one by one.
PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
HANDED_OUT = ("CHATIRE_AUTH_DATABASE_URL", "CHATIRE_MESSAGES_DATABASE_URL", "CHATIRE_REDIS_URL")


@dataclass(frozen=True)
class Addresses:
    """Where the parts of one stack listen or, for servers that are not ours, are reached."""

    auth_database_url: str
    messages_database_url: str
    redis_url: str
    auths: tuple[str, ...]
    messages: tuple[str, ...]
    relays: tuple[str, ...]
    gateways: tuple[str, ...]


class Services:
    """The services of one stack."""

    def __init__(self, data: DataFolder, keyring: Keyring, options: StackOptions, addresses: Addresses) -> None:
        """Start nothing yet."""
        self._data = data
        self._keyring = keyring
        self._options = options
        self._addresses = addresses

    def environment(self, service: str) -> dict[str, str]:
        """What one service is told. A secret goes only to the service that uses it."""
        return _passed_on(os.environ) | self._common(service) | self._own(service)

    def _common(self, service: str) -> dict[str, str]:
        return {
            "CHATIRE_SECRET_KEY_FILE": str(self._keyring.django_secret(service)),
            "CHATIRE_SERVICE_KEY_FILE": str(self._keyring.service_key(service)),
            "CHATIRE_SERVICE_KEYS_FILE": str(self._keyring.service_keys),
            "CHATIRE_REDIS_URL": self._addresses.redis_url,
            "CHATIRE_PUBLIC_ORIGIN": self._options.origin,
            "CHATIRE_LIMITS": self._options.limits,
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
        }

    def _own(self, service: str) -> dict[str, str]:
        here = self._addresses
        return {
            "auth": {
                "CHATIRE_AUTH_DATABASE_URL": here.auth_database_url,
                "CHATIRE_AUTH_KEYS_DIR": str(self._data.auth_keys),
            },
            "messages": {
                "CHATIRE_MESSAGES_DATABASE_URL": here.messages_database_url,
                "CHATIRE_AUTH_URL": _base_urls(here.auths),
            },
            "gateway": {
                "CHATIRE_AUTH_URL": _base_urls(here.auths),
                "CHATIRE_MESSAGES_URL": _base_urls(here.messages),
            },
        }[service]

    def parts(self, build: Build | None = None) -> list[Part]:
        """All services, to be started side by side; as another build than this checkout's, on request."""
        made, here = build or Build(), self._addresses
        return [
            *(self._http_service(*each, AUTH_WORKERS, made) for each in _named("auth", here.auths)),
            *(self._http_service(*each, self._options.workers, made) for each in _named("messages", here.messages)),
            *(self._relay(*each, made) for each in _named("relay", here.relays)),
            *(self._gateway(*each, made) for each in _named("gateway", here.gateways)),
        ]

    def _http_service(self, name: str, address: str, workers: int, build: Build) -> Part:
        service = name.partition("-")[0]
        configuration = build.root / "services" / service / "gunicorn.conf.py"
        program = (sys.executable, "-m", "gunicorn", f"{service}_service.wsgi:application", "-c", str(configuration))
        command = (*program, "--bind", address, "--workers", str(workers))
        return self._part(service, name, command, address, build, tier=SERVICES_TIER)

    def _relay(self, name: str, address: str, build: Build) -> Part:
        program = (sys.executable, str(manage_py("messages", build.root)))
        command = (*program, "relay_outbox", "--health", address)
        return self._part("messages", name, command, address, build, tier=RELAY_TIER)

    def _gateway(self, name: str, address: str, build: Build) -> Part:
        host, port = address.rsplit(":", 1)
        command = (sys.executable, "-m", "gateway_service.server", "--bind", host, "--port", port)
        made = self._part("gateway", name, command, address, build, tier=GATEWAY_TIER)
        return replace(made, stop_plan=GATEWAY_STOP_PLAN)

    def _part(
        self, service: str, name: str, command: tuple[str, ...], address: str, build: Build, *, tier: int
    ) -> Part:
        return Part(
            name=name,
            command=command,
            environment=detoured(name, self.environment(service) | build.environment(service)),
            address=address,
            probe=lambda: http_ready(address),
            tier=tier,
            folder=build.root,
            version=build.version,
        )


def _named(service: str, addresses: Sequence[str]) -> list[tuple[str, str]]:
    """The parts of a service with their addresses: `auth`, or `auth-1` and `auth-2` where there are several."""
    if len(addresses) == 1:
        return [(service, addresses[0])]
    return [(f"{service}-{number}", address) for number, address in enumerate(addresses, start=1)]


def _base_urls(addresses: Sequence[str]) -> str:
    return " ".join(f"http://{address}" for address in addresses)


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in environment.items() if name.startswith("CHATIRE_") and name not in HANDED_OUT}
    passed = {name: environment[name] for name in PASSED_ON if name in environment}
    return passed | own | {"PATH": f"{VENV / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"}
