"""The smallest Django that has the outbox: what shared's own tests run on."""

from urllib.parse import unquote, urlsplit

from chatire_shared.testing.servers import ensure_postgres, ensure_redis

_database = urlsplit(ensure_postgres())

SECRET_KEY = "only for tests"
INSTALLED_APPS = ["chatire_shared.outbox"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(_database.path.strip("/")),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname,
        "PORT": _database.port,
        "TEST": {"NAME": "test_chatire_shared"},
    },
}
CHATIRE_REDIS_URL = ensure_redis()
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
