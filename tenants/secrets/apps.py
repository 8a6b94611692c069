"""Plugs the vault in."""

from django.apps import AppConfig


class SecretsConfig(AppConfig):
    """Encrypted values, in the tenant's own schema."""

    name = "tenants.secrets"
    label = "secrets"
