"""Django's entry for this app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Label `people`."""

    name = "messages_service.people"
    label = "people"
