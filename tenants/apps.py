"""Plugs the ground floor in."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """The control plane: the directory of companies, their keys and the work of every cell."""

    name = "tenants"
    label = "tenants"

    def ready(self) -> None:
        from tenants import navigation, permissions  # noqa: PLC0415 - models must be loaded first

        permissions.register()
        navigation.register()
