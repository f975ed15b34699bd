"""The app's registration."""

from django.apps import AppConfig


class TokensConfig(AppConfig):
    """Sessions, tokens and keys."""

    name = "auth_service.tokens"
    label = "tokens"
