"""Settings of the messages service and its relay, read top to bottom (docs/internal.md names the variables)."""

from __future__ import annotations

from typing import Any

from chatire_shared.conf import databases, env
from chatire_shared.conf.logs import logging_config
from chatire_shared.http.addresses import networks

SECRET_KEY = env.secret_file("CHATIRE_SECRET_KEY_FILE")
DEBUG = False
ALLOWED_HOSTS = ["*"]  # The Host header is used for nothing here.

INSTALLED_APPS = [
    "chatire_shared.outbox",
    "messages_service.people",
    "messages_service.conversations",
    "messages_service.timeline",
]
MIDDLEWARE = [
    "chatire_shared.http.request_ids.RequestIdMiddleware",
    "chatire_shared.http.health.ClosedPathsMiddleware",
    "chatire_shared.http.problems.ProblemMiddleware",
]
ROOT_URLCONF = "messages_service.urls"
WSGI_APPLICATION = "messages_service.wsgi.application"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

DATABASES = databases.postgresql("CHATIRE_MESSAGES_DATABASE_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LOGGING = logging_config("messages")

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["messages_service.identity.PersonAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["chatire_shared.identity.drf.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["chatire_shared.http.bodies.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatire_shared.http.negotiation.AlwaysJson",
    "EXCEPTION_HANDLER": "chatire_shared.http.problems.exception_handler",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}

AUTH_URL = env.text("CHATIRE_AUTH_URL")
CHATIRE_REDIS_URL = env.text("CHATIRE_REDIS_URL")  # The name that the outbox looks for.
SERVICE_KEY_FILE = env.text("CHATIRE_SERVICE_KEY_FILE")
SERVICE_KEYS_FILE = env.text("CHATIRE_SERVICE_KEYS_FILE")
TOKEN_ISSUER = env.text("CHATIRE_TOKEN_ISSUER", "chatire")
TOKEN_AUDIENCE = env.text("CHATIRE_TOKEN_AUDIENCE", "chatire")
PUBLIC_ORIGIN = env.text("CHATIRE_PUBLIC_ORIGIN").rstrip("/")
TRUSTED_PROXIES = networks(env.words("CHATIRE_TRUSTED_PROXIES", "127.0.0.0/8,::1/128"))
LIMITS = env.switch("CHATIRE_LIMITS", default=True)
