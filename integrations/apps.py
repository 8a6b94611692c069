"""Plugs the integrations in."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Connections to outside services."""

    name = "integrations"
    label = "integrations"
