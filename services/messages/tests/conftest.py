"""Real servers, real tokens, and people with names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from support.api import Caller, Gateway, Someone
from support.auth_service import AuthService

from chatire_shared.contracts.ids import uuid7
from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.testing.tokens import TokenMint
from messages_service import identity
from messages_service.people.models import Person
from messages_service.people.services import directory


@pytest.fixture(scope="session")
def mint() -> TokenMint:
    return TokenMint()


@pytest.fixture(scope="session", autouse=True)
def auth_process(mint: TokenMint) -> Iterator[AuthService]:
    """Auth's stand-in; everything that is made on first use is made with its address."""
    server = AuthService(mint, django_settings.SERVICE_KEYS_FILE)
    django_settings.AUTH_URL = server.url
    identity.keys().ready()
    yield server
    identity.auth_client()._session.close()
    server.close()


@pytest.fixture
def auth(auth_process: AuthService) -> Iterator[AuthService]:
    """Auth, which knows nobody yet."""
    auth_process.forget()
    yield auth_process
    auth_process.forget()


@pytest.fixture(autouse=True)
def fresh_process() -> None:
    """What a process remembers of a database that is rolled back after each test."""
    directory._seen.clear()


@pytest.fixture
def someone(db: None, mint: TokenMint) -> Callable[[str], Someone]:
    """Makes people who have an account that this service knows."""

    def make(name: str) -> Someone:
        person = Person.objects.create(id=uuid7(), username=name, display_name=name.title(), change_id=1)
        return Someone(mint, name, person.id)

    return make


@pytest.fixture
def ada(someone: Callable[[str], Someone]) -> Someone:
    return someone("ada")


@pytest.fixture
def grace(someone: Callable[[str], Someone]) -> Someone:
    return someone("grace")


@pytest.fixture
def linus(someone: Callable[[str], Someone]) -> Someone:
    return someone("linus")


@pytest.fixture
def margaret(someone: Callable[[str], Someone]) -> Someone:
    return someone("margaret")


@pytest.fixture
def nobody(db: None) -> Caller:
    """Who has no token."""
    return Caller()


@pytest.fixture(scope="session")
def signers() -> dict[str, ServiceSigner]:
    """What each service signs its calls with."""
    from settings import SERVICES

    return {name: ServiceSigner(name, key.private_key) for name, key in SERVICES.items()}


@pytest.fixture
def gateway(db: None, signers: dict[str, ServiceSigner]) -> Gateway:
    return Gateway(signers["gateway"])


@pytest.fixture
def limits(settings: Any) -> None:
    """Rate limits are on; people have new ids in each test, so every bucket is full."""
    settings.LIMITS = True


@pytest.fixture
def unknown_id() -> str:
    """An id that nothing has."""
    return str(uuid4())
