"""Plugs the accounts in."""

from django.apps import AppConfig

from tenants.accounts import permissions


class AccountsConfig(AppConfig):
    """Users, departments, invitations and tokens, in the tenant's own schema."""

    name = "tenants.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Register the permissions."""
        permissions.register()
