"""The Django services and the relay as parts of the stack: their commands, and the environment each of them may see."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from chatire_shared import __version__

from ..checkout import ROOT, VENV, manage_py
from ..data_folder import DataFolder
from ..keyring import Keyring
from ..options import StackOptions
from ..processes import StopPlan
from ..stack.part import BY_REQUEST, Part
from ..stack.probes import http_ready

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
    auth: str
    messages: str
    relay: str
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
                "CHATIRE_AUTH_URL": f"http://{here.auth}",
            },
            "gateway": {
                "CHATIRE_AUTH_URL": f"http://{here.auth}",
                "CHATIRE_MESSAGES_URL": f"http://{here.messages}",
            },
        }[service]

    def parts(self) -> list[Part]:
        """All services, to be started side by side."""
        gateways = [self._gateway(number, address) for number, address in enumerate(self._addresses.gateways, start=1)]
        return [
            self._http_service("auth", self._addresses.auth, AUTH_WORKERS),
            self._http_service("messages", self._addresses.messages, self._options.workers),
            self._relay(),
            *gateways,
        ]

    def _http_service(self, service: str, address: str, workers: int) -> Part:
        configuration = ROOT / "services" / service / "gunicorn.conf.py"
        program = (sys.executable, "-m", "gunicorn", f"{service}_service.wsgi:application", "-c", str(configuration))
        return Part(
            name=service,
            command=(*program, "--bind", address, "--workers", str(workers)),
            environment=self.environment(service),
            address=address,
            probe=lambda: http_ready(address),
            tier=SERVICES_TIER,
            version=__version__,
        )

    def _relay(self) -> Part:
        address = self._addresses.relay
        return Part(
            name="relay",
            command=(sys.executable, str(manage_py("messages")), "relay_outbox", "--health", address),
            environment=self.environment("messages"),
            address=address,
            probe=lambda: http_ready(address),
            tier=RELAY_TIER,
            version=__version__,
        )

    def _gateway(self, number: int, address: str) -> Part:
        host, port = address.rsplit(":", 1)
        return Part(
            name="gateway" if len(self._addresses.gateways) == 1 else f"gateway-{number}",
            command=(sys.executable, "-m", "gateway_service.server", "--bind", host, "--port", port),
            environment=self.environment("gateway"),
            address=address,
            probe=lambda: http_ready(address),
            tier=GATEWAY_TIER,
            stop_plan=GATEWAY_STOP_PLAN,
            version=__version__,
        )


def _passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in environment.items() if name.startswith("CHATIRE_") and name not in HANDED_OUT}
    passed = {name: environment[name] for name in PASSED_ON if name in environment}
    return passed | own | {"PATH": f"{VENV / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"}
