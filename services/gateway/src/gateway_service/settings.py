"""Settings of the gateway, read top to bottom; environments differ only by environment variables (docs/internal.md)."""

from __future__ import annotations

from chatire_shared.bus.groups import PREFIX
from chatire_shared.conf import env
from chatire_shared.conf.logs import logging_config
from chatire_shared.http.addresses import networks

SECRET_KEY = env.secret_file("CHATIRE_SECRET_KEY_FILE")
DEBUG = False
ALLOWED_HOSTS = ["*"]  # The Host header is compared with the Origin header and used for nothing else.

INSTALLED_APPS = ["channels", "gateway_service.realtime"]
MIDDLEWARE: list[str] = []
ASGI_APPLICATION = "gateway_service.asgi.application"
DATABASES: dict[str, object] = {}  # None: docs/architecture.md.
USE_TZ = True
LOGGING = logging_config("gateway")
APPEND_SLASH = False

REDIS_URL = env.text("CHATIRE_REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "chatire_shared.bus.channel_layer.ConfirmedPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": PREFIX},
    },
}

AUTH_URL = env.text("CHATIRE_AUTH_URL")
MESSAGES_URL = env.text("CHATIRE_MESSAGES_URL")
SERVICE_KEY_FILE = env.text("CHATIRE_SERVICE_KEY_FILE")
TOKEN_ISSUER = env.text("CHATIRE_TOKEN_ISSUER", "chatire")
TOKEN_AUDIENCE = env.text("CHATIRE_TOKEN_AUDIENCE", "chatire")

PUBLIC_ORIGIN = env.text("CHATIRE_PUBLIC_ORIGIN")
SOCKET_ORIGINS = (PUBLIC_ORIGIN.rstrip("/"), *env.words("CHATIRE_ALLOWED_ORIGINS"))
TRUSTED_PROXIES = networks(env.words("CHATIRE_TRUSTED_PROXIES", "127.0.0.0/8,::1/128"))
LIMITS = env.switch("CHATIRE_LIMITS", default=True)

FRONT = env.text("CHATIRE_FRONT", "slim")
DIRECT_WRITES = env.switch("CHATIRE_DIRECT_WRITES", default=True)
