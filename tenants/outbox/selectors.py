"""Reads of the outbox: the activity feed, and what subscribers could not take."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tenants.outbox.bus import DomainEvent, event_class, restore
from tenants.outbox.models import Delivery, OutboxEvent
from tenants.tenancy import current_tenant


@dataclass(frozen=True, slots=True)
class RecentEvent:
    """A stored fact; ``event`` is None where this release has no class for it."""

    event_id: UUID
    name: str
    actor_id: UUID | None
    occurred_at: datetime
    payload: Mapping[str, Any]
    event: DomainEvent | None


def recent_events(
    *,
    limit: int = 50,
    names: Collection[str] | None = None,
    before: UUID | None = None,
    actor_id: UUID | None = None,
) -> list[RecentEvent]:
    """The newest facts first; ``before`` is the id of the last one already seen."""
    rows = OutboxEvent.objects.order_by("-id")
    if names is not None:
        rows = rows.filter(name__in=names)
    if before is not None:
        rows = rows.filter(id__lt=before)
    if actor_id is not None:
        rows = rows.filter(actor_id=actor_id)
    return [recent_event(row) for row in rows[:limit]]


def recent_event(row: OutboxEvent) -> RecentEvent:
    """A row as a value."""
    known, event = event_class(row.name), None
    if known is not None:
        event = restore(
            known, row.payload, event_id=row.pk, actor_id=row.actor_id, occurred_at=row.occurred_at,
            tenant_id=current_tenant().id,
        )  # fmt: skip
    return RecentEvent(row.pk, row.name, row.actor_id, row.occurred_at, row.payload, event)


def dead_deliveries() -> list[Delivery]:
    """What subscribers could not take after every attempt, newest first, with their events."""
    return list(
        Delivery.objects.filter(state=Delivery.State.DEAD)
        .select_related("event")
        .order_by("-settled_at")[:500]
    )
