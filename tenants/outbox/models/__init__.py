"""The outbox's tables, in each tenant's schema."""

from tenants.outbox.models.delivery import Delivery, Subscriber
from tenants.outbox.models.event import OutboxEvent

__all__ = ["Delivery", "OutboxEvent", "Subscriber"]
