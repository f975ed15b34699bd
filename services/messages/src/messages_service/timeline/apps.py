"""Django's entry for this app."""

from django.apps import AppConfig


class TimelineConfig(AppConfig):
    """Label `timeline`."""

    name = "messages_service.timeline"
    label = "timeline"
