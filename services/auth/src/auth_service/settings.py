"""Settings of the auth service, top to bottom. Environments differ by environment variables only (docs/internal.md)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from chatire_shared.conf import databases, env
from chatire_shared.conf.logs import logging_config
from chatire_shared.http.addresses import networks

SECRET_KEY = env.secret_file("CHATIRE_SECRET_KEY_FILE")
DEBUG = False
# The Host header decides nothing but which Origin is "the request's own"; which names reach us is Caddy's business.
ALLOWED_HOSTS = ["*"]
APPEND_SLASH = False
ROOT_URLCONF = "auth_service.urls"
WSGI_APPLICATION = "auth_service.wsgi.application"
INSTALLED_APPS = [
    # contenttypes and auth: only because importing simplejwt's tokens imports their models.
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "auth_service.accounts",
    "auth_service.tokens",
]
MIDDLEWARE = [
    "chatire_shared.http.request_ids.RequestIdMiddleware",
    "chatire_shared.http.health.ClosedPathsMiddleware",
    "chatire_shared.http.problems.ProblemMiddleware",
]
DATABASES = databases.postgresql("CHATIRE_AUTH_DATABASE_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["auth_service.accounts.hashing.CappedArgon2id"]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
LOGGING = logging_config("auth")

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["auth_service.tokens.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["chatire_shared.identity.drf.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["chatire_shared.http.bodies.StrictJsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatire_shared.http.negotiation.AlwaysJson",
    "EXCEPTION_HANDLER": "chatire_shared.http.problems.exception_handler",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

ACCESS_TOKEN_SECONDS = min(env.integer("CHATIRE_ACCESS_TOKEN_SECONDS", 600), 600)
TOKEN_ISSUER = env.text("CHATIRE_TOKEN_ISSUER", "chatire")
TOKEN_AUDIENCE = env.text("CHATIRE_TOKEN_AUDIENCE", "chatire")
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ACCESS_TOKEN_SECONDS),
    "ALGORITHM": "ES256",
    # No key here, so simplejwt's own backend can sign nothing; ours (tokens/signing.py) reads the key folder.
    "SIGNING_KEY": None,
    "ISSUER": TOKEN_ISSUER,
    "AUDIENCE": TOKEN_AUDIENCE,
    "USER_ID_CLAIM": "sub",
}

AUTH_KEYS_DIR = Path(env.text("CHATIRE_AUTH_KEYS_DIR"))
SERVICE_KEYS_FILE = env.text("CHATIRE_SERVICE_KEYS_FILE")
REDIS_URL = env.text("CHATIRE_REDIS_URL")
PUBLIC_ORIGIN = env.text("CHATIRE_PUBLIC_ORIGIN", "http://localhost:8000").rstrip("/")
ALLOWED_ORIGINS = env.words("CHATIRE_ALLOWED_ORIGINS")
TRUSTED_PROXIES = networks(env.words("CHATIRE_TRUSTED_PROXIES", "127.0.0.0/8,::1/128"))
LIMITS_ENABLED = env.switch("CHATIRE_LIMITS", default=True)
