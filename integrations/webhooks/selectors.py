"""Reads of addresses for events and of what came there, as far as the reader may see them."""

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from integrations.models import Connection, InboundEvent, WebhookSubscription
from tenants.accounts.access import Actor, require
from tenants.tenancy import atomic


@dataclass(frozen=True, slots=True)
class EventCounts:
    """How many of the kept events were read, need nothing, and wait."""

    done: int
    ignored: int
    waiting: int


def webhook_of(*, actor: Actor, connection: Connection) -> WebhookSubscription | None:
    """A connection's address for events; None when it never had one. Raises: Forbidden."""
    require(actor, "integrations.view")
    return WebhookSubscription.objects.filter(connection=connection).first()


def events_of(*, actor: Actor, connection: Connection) -> QuerySet[InboundEvent]:
    """The events of a connection, newest first, and what became of each. Raises: Forbidden."""
    require(actor, "integrations.view")
    return InboundEvent.objects.filter(connection=connection).order_by("-received_at", "-id")


@atomic
def event_counts(*, actor: Actor, connection: Connection) -> EventCounts:
    """What became of the events that are still kept. Raises: Forbidden."""
    require(actor, "integrations.view")
    states = InboundEvent.State
    counts = InboundEvent.objects.filter(connection=connection).aggregate(
        done=Count("pk", filter=Q(state=states.DONE)),
        ignored=Count("pk", filter=Q(state=states.IGNORED)),
        waiting=Count("pk", filter=Q(state=states.WAITING)),
    )
    return EventCounts(**counts)
