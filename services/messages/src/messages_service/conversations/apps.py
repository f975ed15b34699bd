"""Django's entry for this app."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """Label `conversations`."""

    name = "messages_service.conversations"
    label = "conversations"
