"""Three copies of the close codes, one for each side: they say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatire_client import close_codes as client
from chatire_shared.contracts import close_codes as servers

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web" / "src" / "realtime" / "closeCodes.ts"
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
OURS = {name: value for name, value in vars(servers).items() if isinstance(value, int)}


@pytest.fixture(scope="module")
def web() -> str:
    return WEB.read_text(encoding="utf-8")


def codes_of_web(source: str) -> dict[str, int]:
    """The constants, their names as the servers spell them."""
    block = source[source.index("CLOSE = {") : source.index("} as const")]
    found = re.findall(r"(\w+): (\d+)", block)
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(): int(code) for name, code in found}


def test_the_web_client_has_every_code_under_the_same_name(web: str) -> None:
    assert codes_of_web(web) == OURS | {"ABNORMAL": 1006}


def test_the_web_client_does_the_same_as_the_servers_expect(web: str) -> None:
    codes = codes_of_web(web)
    stops = web[web.index("stops:") : web.index("}", web.index("stops:"))]
    assert {codes[_constant(name)] for name in re.findall(r"\[CLOSE\.(\w+)\]", stops)} == servers.STOP
    (signs_out,) = re.findall(r"code === CLOSE\.(\w+)\) return \{ do: 'sign_out' \}", web)
    assert {codes[_constant(signs_out)]} == servers.SIGN_OUT
    (refreshes,) = re.findall(r"code === CLOSE\.(\w+)\) return \{ do: 'refresh' \}", web)
    assert {codes[_constant(refreshes)]} == servers.REFRESH_FIRST


def _constant(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


def test_the_python_client_does_the_same_as_the_servers_expect() -> None:
    then = {code: client.after(code) for code in OURS.values()}
    assert {code for code, what in then.items() if what is client.Then.STOP} == servers.STOP
    assert {code for code, what in then.items() if what is client.Then.REFRESH} == servers.REFRESH_FIRST
    assert {code for code, what in then.items() if what is client.Then.SIGN_OUT} == servers.SIGN_OUT


def test_every_code_is_in_the_protocol() -> None:
    assert [code for code in OURS.values() if str(code) not in PROTOCOL] == []
