"""Django's DATABASES from one URL."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from chatire_shared.conf import env


def postgresql(name: str) -> dict[str, Any]:
    """The default database from the URL in the variable `name`, with connections that persist.

    Statements end after 10 s and lock waits after 5 s, so that one slow row stalls no worker for good.

    Raises:
        ImproperlyConfigured: the URL is not `postgresql://user:password@host:port/database`.
    """
    parts = urlsplit(env.text(name))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        message = f"{name} must look like postgresql://user:password@host:port/database."
        raise ImproperlyConfigured(message)
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.strip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or 5432),
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "connect_timeout": 2,
                "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=15s",
            },
        },
    }
