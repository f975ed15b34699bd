from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from people import Company, Person
from stack import given_or_started

from chatire_client import Http


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="run the journeys on this stack instead of starting one")


@pytest.fixture(scope="session")
def origin(pytestconfig: pytest.Config) -> Iterator[str]:
    """Where the stack under test is: `--url`, CHATIRE_E2E_URL, or a new one."""
    with given_or_started(pytestconfig.getoption("--url")) as address:
        yield address


@pytest.fixture
def http(origin: str) -> Http:
    """Calls by nobody in particular."""
    return Http(origin)


@pytest.fixture
async def company(http: Http) -> AsyncIterator[Company]:
    """Makes people; closes their devices afterwards."""
    company = Company(http)
    yield company
    await company.go_home()


@pytest.fixture
def ada(company: Company) -> Person:
    return company.hire("ada")


@pytest.fixture
def grace(company: Company) -> Person:
    return company.hire("grace")


@pytest.fixture
def linus(company: Company) -> Person:
    return company.hire("linus")
