"""Look inside the running containers: who they are, what they may write, what they know, what they can reach.

`python deploy/compose/look_inside.py [-p PROJECT]` prints a table for people and exits with 1 if a container may do more than
docs/operations.md says. It needs the `docker` command and a stack that `docker compose up` has started; nothing is changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROBES = Path(__file__).with_name("look_inside_probes.py")
PSEUDO = ("/proc", "/sys", "/dev")
NET_BIND_SERVICE = 1 << 10
# What may have a socket open to others, inside; only Caddy's reaches the machine.
PORTS = {"postgres": 5432, "redis": 6379, "auth": 8001, "messages": 8002, "relay": 8004, "gateway": 8003, "caddy": 8000}
# Not the whole of what a part needs: whether it may see this server at all.
SERVERS = {
    "auth": {"postgres", "redis"},
    "messages": {"postgres", "redis"},
    "relay": {"postgres", "redis"},
    "gateway": {"redis"},
}
SECRET_WORDS = ("PASSWORD", "SECRET", "DATABASE_URL", "REDIS_URL", "SERVICE_KEY")


@dataclass
class Look:
    """One container."""

    name: str
    part: str
    user: str = ""
    capabilities: int = -1
    no_new_privileges: bool = False
    root_is_read_only: bool = False
    writable: list[str] = field(default_factory=list)
    listens: set[int] = field(default_factory=set)
    published: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    probes: dict[str, Any] = field(default_factory=dict)

    def faults(self) -> Iterator[str]:
        """What it may do or knows that it should not."""
        if self.user.split(":")[0] in {"", "0"}:
            yield "is root"
        if self.capabilities & ~(NET_BIND_SERVICE if self.part == "caddy" else 0):
            yield f"has capabilities {self.capabilities:#x}"
        if not self.no_new_privileges:
            yield "may gain privileges"
        if not self.root_is_read_only:
            yield "can write to its root file system"
        if self.listens != {PORTS[self.part]}:
            yield f"listens on {sorted(self.listens)}"
        if self.published and self.part != "caddy":
            yield f"can be reached from outside: {self.published}"
        for name, value in self.environment.items():
            if any(word in name for word in SECRET_WORDS) and not value.startswith("/run/"):
                yield f"has {name} in its environment"
        yield from self._faults_of_probes()

    def _faults_of_probes(self) -> Iterator[str]:
        if not self.probes:
            return
        reached = {server for server in ("postgres", "redis") if self.probes["reaches"][server]}
        if reached != SERVERS[self.part]:
            yield f"reaches {sorted(reached)}"
        if self.probes["reaches"].get("outside"):
            yield "can reach the outside"
        yield from (f"PostgreSQL lets it: {what}" for what in self.probes["database"].get("too much", []))
        yield from (f"Redis lets it: {what}" for what in self.probes["redis"]["too much"])
        if self.probes["testing"]:
            yield "has chatire_shared.testing"


def docker(*arguments: str, given: str | None = None) -> str:
    """What the engine says."""
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout


def containers(project: str) -> list[dict[str, Any]]:
    """The containers of a stack that run, as `docker inspect` tells them."""
    ids = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={project}").split()
    return list(json.loads(docker("inspect", *ids))) if ids else []


def look(told: dict[str, Any], outside: str | None) -> Look:
    """Look inside one container."""
    part = told["Config"]["Labels"]["com.docker.compose.service"]
    name = told["Name"].lstrip("/")
    seen = Look(name, part, user=told["Config"]["User"])
    status = dict(
        line.split(":\t", 1) for line in docker("exec", name, "cat", "/proc/1/status").splitlines() if ":\t" in line
    )
    seen.capabilities = int(status["CapPrm"], 16) | int(status["CapEff"], 16)
    seen.no_new_privileges = status["NoNewPrivs"] == "1"
    seen.root_is_read_only = bool(told["HostConfig"]["ReadonlyRootfs"])
    seen.writable = list(_writable(docker("exec", name, "cat", "/proc/mounts")))
    seen.listens = set(_listening(docker("exec", name, "cat", "/proc/net/tcp", "/proc/net/tcp6")))
    ports = told["NetworkSettings"]["Ports"] or {}
    seen.published = [f"{at['HostIp']}:{at['HostPort']}" for places in ports.values() for at in places or ()]
    seen.environment = dict(entry.split("=", 1) for entry in told["Config"]["Env"])
    if part in SERVERS:
        command = ("exec", "-i", name, "python", "-", *([outside] if outside else []))
        seen.probes = json.loads(docker(*command, given=PROBES.read_text()))
    return seen


def _writable(mounts: str) -> Iterator[str]:
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        if "rw" in options.split(",") and not place.startswith(PSEUDO):
            yield f"{place} ({kind})" if kind == "tmpfs" else place


def _listening(table: str) -> Iterator[int]:
    listening, engine_s_names = "0A", "0B00007F"  # 127.0.0.11: the engine's own name server.
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == listening:
            address, port = fields[1].split(":")
            if address != engine_s_names:
                yield int(port, 16)


def row(seen: Look) -> str:
    """A line of the table."""
    probes = seen.probes
    reaches = ", ".join(name for name, there in probes["reaches"].items() if there) if probes else "-"
    cells = [
        seen.name,
        seen.user,
        f"{seen.capabilities:#x}",
        "yes" if seen.no_new_privileges else "NO",
        "ro" if seen.root_is_read_only else "RW",
        "; ".join(seen.writable),
        ", ".join(map(str, sorted(seen.listens))),
        ", ".join(seen.published) or "-",
        reaches,
        probes["database"].get("may", "-") if probes else "-",
        ", ".join(probes["redis"]["may"]) if probes else "-",
    ]
    return "| " + " | ".join(cells) + " |"


COLUMNS = ["container", "user", "capabilities", "no new privileges", "root", "writable", "listens", "published"]
COLUMNS += ["reaches", "database", "redis"]
HEAD = f"| {' | '.join(COLUMNS)} |\n| {' | '.join('---' for _ in COLUMNS)} |"


def main(arguments: list[str] | None = None) -> int:
    """Look at all of them; 1 if one of them may do more than it should, 2 if there is none."""
    parser = argparse.ArgumentParser(prog="look_inside.py", description=__doc__)
    parser.add_argument("-p", "--project", default="chatire", help="Compose's name of the stack (default: chatire)")
    parser.add_argument("--outside", metavar="HOST:PORT", help="what this machine can reach; the services must not")
    chosen = parser.parse_args(arguments)
    looks = sorted((look(told, chosen.outside) for told in containers(chosen.project)), key=lambda seen: seen.name)
    if not looks:
        sys.stderr.write(f"no container of {chosen.project} runs\n")
        return 2
    sys.stdout.write(HEAD + "\n" + "".join(f"{row(seen)}\n" for seen in looks))
    faults = [f"{seen.name} {fault}" for seen in looks for fault in seen.faults()]
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
