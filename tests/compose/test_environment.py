"""The variables that are offered, set and read are the same ones."""

from __future__ import annotations

import re

import pytest
from composition import COMPOSE_FILE, ROOT, SERVICES, parts, plain
from reading import examples, meant, names_read

EXAMPLES = ROOT / "deploy" / "compose"
READERS = {
    "auth": "auth",
    "auth-keys": "auth",
    "auth-migrations": "auth",
    "messages": "messages",
    "messages-migrations": "messages",
    "relay": "messages",
    "gateway": "gateway",
}


@pytest.mark.parametrize("service", SERVICES)
def test_an_example_names_all_that_its_service_reads_and_nothing_else(service: str) -> None:
    read = names_read(service)
    assert "CHATIRE_LOG_LEVEL" in read
    offered = {meant(name, read) for name in examples(EXAMPLES / f"{service}.env.example")}
    assert offered == set(read)


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_example_sets_is_what_compose_sets(service: str) -> None:
    path = EXAMPLES / f"{service}.env.example"
    given = dict(line.split("=", 1) for line in path.read_text().splitlines() if line.startswith("CHATIRE_"))
    assert given == {name: plain(value) for name, value in parts()[service]["environment"].items()}


@pytest.mark.parametrize(("part", "service"), list(READERS.items()))
def test_a_part_is_told_what_it_must_know_and_nothing_it_never_reads(part: str, service: str) -> None:
    read = names_read(service)
    told = {meant(name, read) for name in parts()[part]["environment"]}
    assert {name for name, must in read.items() if must} <= told <= set(read)
    assert parts()[part]["env_file"] == [{"path": f"deploy/compose/{service}.env", "required": False}]


def test_the_example_of_compose_names_every_variable_of_its_file_with_its_default() -> None:
    text = COMPOSE_FILE.read_text()
    path = EXAMPLES / "compose.env.example"
    assert set(examples(path)) == set(re.findall(r"\$\{(\w+)", text))
    assert not any(examples(path).values()), "nothing has to be set"
    for name, default in re.findall(r"^#(\w+)=(.*)$", path.read_text(), re.MULTILINE):
        defaults = {
            plain("${" + name + ":-" + rest + "}")
            for rest in re.findall(rf"\${{{name}:-((?:[^{{}}]|{{[^{{}}]*}})*)}}", text)
        }
        assert defaults == {default}, name


def test_caddy_is_the_one_whose_word_counts() -> None:
    for name in SERVICES:
        trusted = plain(parts()[name]["environment"]["CHATIRE_TRUSTED_PROXIES"])
        assert trusted == plain(parts()["caddy"]["networks"]["inside"]["ipv4_address"]) + "/32"


def test_caddy_is_told_by_names_that_its_file_reads() -> None:
    read = set(re.findall(r"\{\$(\w+)", (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()))
    told = set(parts()["caddy"]["environment"])
    assert told <= read
    assert {"CHATIRE_AUTH_DISCOVERY", "CHATIRE_MESSAGES_DISCOVERY", "CHATIRE_GATEWAY_DISCOVERY"} <= told
