"""The app's registration."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts and the change feed."""

    name = "auth_service.accounts"
    label = "accounts"
