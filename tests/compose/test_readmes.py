"""What the services' own pages say of settings, metrics and commands is so."""

from __future__ import annotations

import re

import pytest
from composition import ROOT, SERVICES, parts, seconds
from reading import names_read

SOURCES = [*(ROOT / "services" / "gateway" / "src").rglob("*.py"), *(ROOT / "shared" / "src").rglob("*.py")]


def page(service: str) -> str:
    return (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_names_every_setting_and_which_must_be_set(service: str) -> None:
    rows = re.findall(r"^\| `(CHATIRE_\w+)` \| ([^|]+) \|", page(service), re.MULTILINE)
    assert {name: must == "yes" for name, must in rows} == names_read(service)
    assert len(rows) == len(dict(rows))


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_measures_by_figures_that_there_are(service: str) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    fields = set(re.findall(r"^    (\w+): (?:int|float) = 0", text, re.MULTILINE))
    for name in re.findall(r"`(chatire_(?:gateway|relay)_\w+)", page(service)):
        field = re.sub("^chatire_(gateway|relay)_", "", name).removesuffix("_total")
        assert name in text or f'"{field}"' in text or field in fields, name


@pytest.mark.parametrize("service", SERVICES)
def test_a_page_gives_a_stop_the_time_that_compose_gives_it(service: str) -> None:
    stopping = page(service)[page(service).index("On SIGTERM") :]
    (given,) = re.findall(r"give it (\d+) s", stopping)
    assert int(given) == seconds(parts()[service]["stop_grace_period"])


@pytest.mark.parametrize("service", SERVICES)
def test_the_ways_that_a_page_names_are_there(service: str) -> None:
    folder = ROOT / "services" / service
    linked = re.findall(r"\]\((\.\./[^)]+)\)", page(service))
    named = re.findall(r"`((?:\.\./|src/|services/)[\w./-]+)`", page(service))
    assert linked
    assert len(named) > 2
    for place in [*linked, *named]:
        assert (folder / place).exists() or (ROOT / place).exists(), place
