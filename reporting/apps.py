"""Plugs the reporting in."""

from django.apps import AppConfig

from reporting import navigation


class ReportingConfig(AppConfig):
    """Dashboards and metrics over the floors below."""

    name = "reporting"
    label = "reporting"

    def ready(self) -> None:
        """Put the pages into the console's frame."""
        navigation.register()
