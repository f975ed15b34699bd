"""The ASGI application: sockets at `/ws`, and three plain pages for whoever runs the gateway.

Daphne's own entry is `gateway_service.server`; any other ASGI server runs `gateway_service.asgi:application`.
"""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_service.settings")
django.setup()

from gateway_service.routing import build_application  # noqa: E402 (Django must be set up before consumers are imported)

application = build_application()
