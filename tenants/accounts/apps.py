"""Plugs the accounts in."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, departments, invitations and tokens, in the tenant's own schema."""

    name = "tenants.accounts"
    label = "accounts"
