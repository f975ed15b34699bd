"""Caddy, the API gateway, as a part of the stack."""

import os
import sys
from pathlib import Path

from ..checkout import CADDYFILE
from ..data_folder import DataFolder
from ..errors import LauncherError
from ..options import StackOptions
from ..ports import has_ipv6_loopback
from ..processes import StopPlan
from ..stack.part import BY_REQUEST, Part
from ..stack.probes import http_ready
from .services import Addresses
from .wheels import on_path, version_of

TIER = 0
STOP_PLAN: StopPlan = ((BY_REQUEST[0][0], 8), BY_REQUEST[1])


def caddy_part(data: DataFolder, options: StackOptions, addresses: Addresses, web_root: Path) -> Part:
    """Caddy as the supervisor runs it: the same file as in the containers, told about this stack by its environment."""
    bind = "127.0.0.1 [::1]" if has_ipv6_loopback() else "127.0.0.1"
    address = f"127.0.0.1:{options.port}"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(data.run),
        "XDG_DATA_HOME": str(data.run / "caddy"),
        "XDG_CONFIG_HOME": str(data.run / "caddy"),
        "CHATIRE_CADDY_LISTEN": f":{options.port}",
        "CHATIRE_CADDY_BIND": bind,
        "CHATIRE_CADDY_WS_ORIGIN": f"ws://localhost:{options.port}",
        "CHATIRE_AUTH_UPSTREAMS": " ".join(addresses.auths),
        "CHATIRE_MESSAGES_UPSTREAMS": " ".join(addresses.messages),
        "CHATIRE_GATEWAY_UPSTREAMS": " ".join(addresses.gateways),
        "CHATIRE_WEB_ROOT": str(web_root),
    }
    program = _find_program()
    return Part(
        name="caddy",
        command=(str(program), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)),
        environment=environment,
        address=address,
        probe=lambda: http_ready(address, "/"),
        tier=TIER,
        stop_plan=STOP_PLAN,
        version=version_of(program, "version"),
    )


def _find_program() -> Path:
    from_wheel = Path(sys.prefix) / "bin" / "caddy"
    found = from_wheel if from_wheel.exists() else on_path("caddy")
    if found is None:
        message = (
            "no Caddy found: there is no wheel of it for this system. Install Caddy 2.8 or newer, to be found on PATH."
        )
        raise LauncherError(message)
    return found
