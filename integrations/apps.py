"""Plugs the integrations package into Django."""

from django.apps import AppConfig

from integrations.permissions import register


class IntegrationsConfig(AppConfig):
    """The second floor: outside services and what keeps us in step with them."""

    name = "integrations"
    label = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        register()
