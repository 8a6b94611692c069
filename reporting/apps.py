"""Plugs the reporting in."""

from django.apps import AppConfig


class ReportingConfig(AppConfig):
    """Dashboards and metrics over the floors below."""

    name = "reporting"
    label = "reporting"
