"""One Caddyfile for the local stack and the containers: what differs comes from the environment, and has defaults."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from chatire_local.checkout import CADDYFILE

CADDY = Path(sys.prefix) / "bin" / "caddy"
LEAST = {
    "HOME": "/nonexistent",
    "CHATIRE_AUTH_UPSTREAMS": "auth:8001",
    "CHATIRE_MESSAGES_UPSTREAMS": "messages:8002",
    "CHATIRE_GATEWAY_UPSTREAMS": "one:8003 two:8003",
    "CHATIRE_WEB_ROOT": "/srv/web",
}


def _read_by_caddy(**environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [CADDY, "adapt", "--adapter", "caddyfile", "--config", CADDYFILE],
        env=LEAST | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def _all(name: str, tree: Any) -> list[Any]:
    """Every value under this name, however deep."""
    if isinstance(tree, list):
        return [found for branch in tree for found in _all(name, branch)]
    if not isinstance(tree, dict):
        return []
    own = [tree[name]] if name in tree else []
    return own + [found for branch in tree.values() for found in _all(name, branch)]


def test_it_needs_upstreams_and_a_web_root_alone() -> None:
    read = _read_by_caddy()
    assert _all("listen", read) == [["0.0.0.0:8000"]]
    assert [{"dial": "one:8003"}, {"dial": "two:8003"}] in _all("upstreams", read)


def test_services_may_be_found_by_name_instead() -> None:
    by_name = "dynamic a {\nname gateway\nport 8003\nrefresh 1s\n}"
    read = _read_by_caddy(CHATIRE_GATEWAY_UPSTREAMS="", CHATIRE_GATEWAY_DISCOVERY=by_name)
    assert [found["name"] for found in _all("dynamic_upstreams", read)] == ["gateway"]


def test_nothing_of_it_can_be_changed_or_read_from_outside() -> None:
    read = _read_by_caddy()
    assert read["admin"] == {"disabled": True, "config": {"persist": False}}
    assert _all("automatic_https", read) == [{"disable": True}]


def test_it_is_formatted() -> None:
    done = subprocess.run([CADDY, "fmt", CADDYFILE], capture_output=True, text=True, check=False)
    assert done.stdout == CADDYFILE.read_text()
