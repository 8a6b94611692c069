"""Plugs the integrations package into Django."""

from importlib import import_module

from django.apps import AppConfig

from integrations.permissions import register


class IntegrationsConfig(AppConfig):
    """The second floor: outside services and what keeps us in step with them."""

    name = "integrations"
    label = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the permissions and the pages of this package known."""
        register()
        import_module("integrations.navigation").register()
