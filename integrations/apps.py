"""Plugs the integrations package into Django."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """The second floor: outside services and what keeps us in step with them."""

    name = "integrations"
    label = "integrations"
    default_auto_field = "django.db.models.BigAutoField"
