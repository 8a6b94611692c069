"""Plugs the outbox in."""

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Domain events, in the tenant's own schema."""

    name = "tenants.outbox"
    label = "outbox"
