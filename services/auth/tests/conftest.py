"""Fixtures of all tests."""

from __future__ import annotations

from typing import Any

import pytest
from api_client import Api, Person
from django.conf import settings

from auth_service.tokens.keys import KeyFolder
from chatire_shared.identity.service_tokens import ServiceSigner


@pytest.fixture(scope="session", autouse=True)
def _keys() -> None:
    """Keys to sign with, as `ensure_keys` makes them before a start."""
    KeyFolder(settings.AUTH_KEYS_DIR).ensure()


@pytest.fixture
def api(db: Any) -> Api:
    """A client, with a database whose changes are undone."""
    return Api()


@pytest.fixture
def ada(api: Api) -> Person:
    """Somebody signed in; the first one, so the owner."""
    return api.register("ada", display_name="Ada Lovelace")


@pytest.fixture
def grace(ada: Person, api: Api) -> Person:
    """Somebody else."""
    return api.register("grace", display_name="Grace Hopper")


@pytest.fixture
def service_token() -> Any:
    """Makes tokens of the other services: `service_token("messages")`."""
    from settings import SERVICES

    return lambda caller, callee="auth": ServiceSigner(caller, SERVICES[caller].private_key).token_for(callee)
