"""Real servers, real tokens, and people with names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import settings as test_settings
from api_client import Someone, sign_in
from gateway_client import Gateway

from chatire_shared.contracts.ids import uuid7
from chatire_shared.identity.service_tokens import ServiceSigner
from chatire_shared.testing.fake_auth import FakeAuth
from messages_service import identity
from messages_service.people.models import Person
from messages_service.people.services import directory


@pytest.fixture
def auth() -> Iterator[FakeAuth]:
    """Auth, which knows nobody and nothing yet."""
    test_settings.AUTH.reset()
    yield test_settings.AUTH
    test_settings.AUTH.reset()


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """What a process remembers beside the database, which is rolled back after each test."""
    directory._seen.clear()
    yield
    identity.REVOCATIONS._sessions.clear()
    identity.REVOCATIONS._users.clear()


@pytest.fixture
def newcomer(db: None) -> Callable[[str], Someone]:
    """Makes people whom this service hasn't heard of."""
    return lambda name: sign_in(uuid7(), name)


@pytest.fixture
def person(db: None) -> Callable[[str], Someone]:
    """Makes people whom this service knows; their rows reflect auth's change 1."""

    def make(name: str) -> Someone:
        row = Person.objects.create(id=uuid7(), username=name, display_name=name.title(), change_id=1)
        return sign_in(row.id, name)

    return make


@pytest.fixture
def ada(person: Callable[[str], Someone]) -> Someone:
    return person("ada")


@pytest.fixture
def grace(person: Callable[[str], Someone]) -> Someone:
    return person("grace")


@pytest.fixture
def linus(person: Callable[[str], Someone]) -> Someone:
    return person("linus")


@pytest.fixture
def margaret(person: Callable[[str], Someone]) -> Someone:
    return person("margaret")


@pytest.fixture
def mallory(person: Callable[[str], Someone]) -> Someone:
    """Who belongs to nothing."""
    return person("mallory")


@pytest.fixture(scope="session")
def signers() -> dict[str, ServiceSigner]:
    """What each service signs its calls with."""
    return {name: ServiceSigner(name, key.private_key) for name, key in test_settings.SERVICES.items()}


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
