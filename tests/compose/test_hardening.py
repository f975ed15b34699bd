"""What every container is denied, and what keeps it running."""

from __future__ import annotations

import pytest
from composition import composition, mounts, networks, once, parts, plain, seconds, serving

HANDED_OUT = {
    "auth-secrets": {"auth", "auth-keys", "auth-migrations"},
    "messages-secrets": {"messages", "messages-migrations"},
    "auth-owner-secrets": {"auth-migrations"},
    "messages-owner-secrets": {"messages-migrations"},
    "relay-secrets": {"relay"},
    "gateway-secrets": {"gateway"},
    "redis-secrets": {"redis"},
    "postgres-secrets": {"postgres"},
}
DRAINING_SECONDS = 40


@pytest.mark.parametrize("name", list(parts()))
def test_a_part_is_nobody_special(name: str) -> None:
    part = parts()[name]
    user, group = map(int, part["user"].split(":"))
    assert user > 0
    assert group > 0
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert part.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert not {"privileged", "pid", "ipc", "devices", "userns_mode", "network"} & set(part)
    assert part.get("network_mode", "none") == "none"


@pytest.mark.parametrize("name", list(parts()))
def test_a_part_has_limits_and_its_logs_do_too(name: str) -> None:
    part = parts()[name]
    limits = part["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} == set(limits)
    assert float(plain(limits["cpus"])) <= 1, "the engine refuses more cores than a machine has"
    assert part["logging"]["options"].keys() == {"max-size", "max-file"}
    for place in part["tmpfs"]:
        assert "size=" in place


@pytest.mark.parametrize("name", list(serving()))
def test_what_serves_comes_back_and_is_looked_at(name: str) -> None:
    part = serving()[name]
    assert part["restart"] == "unless-stopped"
    assert "stop_grace_period" in part
    test = " ".join(part["healthcheck"]["test"])
    assert test
    assert "curl" not in test
    assert "wget" not in test


@pytest.mark.parametrize("name", list(parts()))
def test_a_part_waits_for_what_it_needs(name: str) -> None:
    for needed, how in parts()[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if needed in once() else "service_healthy"
        assert how["condition"] == expected, needed


def test_the_gateway_may_drain_to_the_end() -> None:
    assert seconds(parts()["gateway"]["stop_grace_period"]) >= DRAINING_SECONDS


def test_gateways_say_goodbye_while_caddy_still_carries_it() -> None:
    """Compose stops what depends before what it depends on: gateways, then services and Caddy, then their servers."""
    assert "caddy" in parts()["gateway"]["depends_on"]
    assert "messages" in parts()["gateway"]["depends_on"], "what was sent is still answered"
    assert not {"gateway", "messages", "auth"} & set(parts()["caddy"].get("depends_on", ()))


def test_only_caddy_can_be_reached_and_can_reach_out() -> None:
    closed = {name for name, network in composition()["networks"].items() if (network or {}).get("internal")}
    for name, part in parts().items():
        assert ("ports" in part) is (name == "caddy"), name
        assert networks(part) <= closed or name == "caddy", name
    assert networks(parts()["caddy"]) == {"edge", "inside"}
    assert all(plain(port).startswith("127.0.0.1:") for port in parts()["caddy"]["ports"])


def test_the_database_is_out_of_reach_for_what_has_none() -> None:
    on = {name for name, part in parts().items() if "database" in networks(part)}
    assert on == {"postgres", "databases", "auth-migrations", "messages-migrations", "auth", "messages", "relay"}
    assert {name for name, part in parts().items() if "bus" in networks(part)} == {
        "redis",
        "auth",
        "messages",
        "relay",
        "gateway",
    }


def test_each_part_sees_its_own_secrets_alone_and_cannot_change_them() -> None:
    for volume, readers in HANDED_OUT.items():
        seen = {name for name, part in parts().items() for source, _, _ in mounts(part) if source == volume}
        assert seen == readers | {"secrets"}, volume
    for name, part in parts().items():
        for source, target, writable in mounts(part):
            if source.endswith("-secrets"):
                assert writable is (name == "secrets"), (name, source)
                place = "/run/owner" if source.endswith("-owner-secrets") else "/run/chatire"
                assert target == ("/handed/" + source.removesuffix("-secrets") if writable else place)


def test_the_private_keys_of_access_tokens_are_with_auth_alone() -> None:
    assert {name for name, part in parts().items() for source, _, _ in mounts(part) if source == "auth-keys"} == {
        "auth",
        "auth-keys",
    }
    keeping = {
        (name, writable) for name, part in parts().items() for source, _, writable in mounts(part) if source == "kept"
    }
    assert keeping == {("secrets", True), ("databases", False)}


def test_nothing_of_the_machine_is_mounted() -> None:
    known = set(composition()["volumes"])
    for name, part in parts().items():
        assert {source for source, _, _ in mounts(part)} <= known, name


def test_no_secret_is_written_down() -> None:
    for name, part in parts().items():
        for variable, value in part.get("environment", {}).items():
            assert "@" not in value, (name, variable)
            if any(word in variable for word in ("PASSWORD", "SECRET", "DATABASE_URL", "REDIS_URL", "SERVICE_KEY")):
                assert variable.endswith("_FILE"), (name, variable)
                own = "/run/owner/" if name.endswith("-migrations") and "DATABASE" in variable else "/run/chatire/"
                assert value.startswith(own), (name, variable)
