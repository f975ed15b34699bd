"""The Django app `realtime`; it has no models."""

from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    """Sockets of people, and what is delivered to them."""

    name = "gateway_service.realtime"
    label = "realtime"
