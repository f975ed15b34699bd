"""Settings of the Channels tutorial and of the bare view: what their documentation has, and addresses from outside."""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])
_layer = os.environ.get("CHANNEL_LAYER", "core")

SECRET_KEY = "not a secret: this server lives for seconds, on the loopback interface"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
ROOT_URLCONF = "bench_peers.urls"
ASGI_APPLICATION = "bench_peers.asgi.application"
INSTALLED_APPS = ["daphne", "channels", "rest_framework", "bench_peers"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE: list[str] = []

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": _database.username,
        "PASSWORD": _database.password,
        "HOST": _database.hostname,
        "PORT": _database.port,
        # Django's default is 0: a connection for each message.
        "CONN_MAX_AGE": int(os.environ.get("KEEP_CONNECTIONS_SECONDS", "600")),
    }
}

CHANNEL_LAYERS = {
    "default": {
        "core": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        },
        "pubsub": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
        },
        "postgres": {
            "BACKEND": "channels_postgres.core.PostgresChannelLayer",
            "CONFIG": DATABASES["default"],
        },
    }[_layer]
}
if _layer == "postgres":
    INSTALLED_APPS += ["channels_postgres"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
}
