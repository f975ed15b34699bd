"""Django's view of the outbox."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The app `outbox`; its setting is `CHATIRE_REDIS_URL`, the Redis on which the bell is rung."""

    name = "chatire_shared.outbox"
    label = "outbox"
    default_auto_field = "django.db.models.BigAutoField"
