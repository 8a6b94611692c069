"""Plugs the reporting in."""

from importlib import import_module

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """Dashboards and metrics over the floors below."""

    name = "reporting"
    label = "reporting"

    def ready(self) -> None:
        """Put the pages into the console's frame."""
        # Knows the models of the tasks, which are there only now.
        import_module("reporting.navigation").register()
