"""Keeps events: each once, with the request to look at them; it says nothing of what is in them."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Case, F, Value, When

from integrations.capabilities.event_feed import Change, RemoteEvent
from integrations.models import Connection, InboundEvent, WebhookSubscription
from integrations.sync.events.debounce import QUIET_SECONDS
from tenants.dispatch import enqueue
from tenants.tenancy import atomic

EVENTS_JOB: Final = "integrations.handle_events"
#: The longest text of a cause that the table holds.
LONGEST_REASON: Final = 200


@atomic
def store_event(
    *, subscription: WebhookSubscription, connection: Connection, event: RemoteEvent, now: datetime
) -> None:
    """Keep an event until the dirty set is read; a second delivery of the same one changes nothing.

    The subscription is written first: whoever ends the job that reads the set locks it, so that no event can come
    between the last look and the end of the job and be forgotten.
    """
    receiving = WebhookSubscription.State.ACTIVE
    WebhookSubscription.objects.filter(pk=subscription.pk).update(
        last_event_at=now,
        remote_id=event.subscription_id,
        state=Case(When(state=WebhookSubscription.State.OFF, then=F("state")), default=Value(receiving)),
        state_reason="",
    )
    row = _row(connection, event, now)
    InboundEvent.objects.bulk_create([row], ignore_conflicts=True)
    if row.state == InboundEvent.State.WAITING:
        ask_for_events(connection, now)


def ask_for_events(connection: Connection, now: datetime) -> None:
    """Have the dirty set read once it has been quiet for a moment; does nothing while that is about to happen."""
    enqueue(
        EVENTS_JOB,
        object_id=connection.pk,
        slot=f"events:{connection.pk}",
        due_at=now + timedelta(seconds=QUIET_SECONDS),
        priority=40,
    )


def ask_for_later_events(connection_id: UUID, due_at: datetime) -> None:
    """Have events read that were put off; in a slot of its own: those that come meanwhile do not wait for it."""
    enqueue(
        EVENTS_JOB, object_id=connection_id, slot=f"events-later:{connection_id}", due_at=due_at, priority=40
    )


def _row(connection: Connection, event: RemoteEvent, now: datetime) -> InboundEvent:
    row = InboundEvent(
        id=event.id,
        connection=connection,
        kind=event.kind,
        change=event.change.value,
        entity_kind=event.entity_kind,
        entity_id=event.entity_id,
        collection_id=event.collection_id or event.container_id,
        updated_fields=None if event.updated_fields is None else list(event.updated_fields),
        author_ids=list(event.author_ids),
        attempt=event.attempt,
        occurred_at=event.occurred_at,
    )
    if event.workspace_id and connection.workspace_id and event.workspace_id != connection.workspace_id:
        return _ignored(row, "It is about another workspace.", now)
    if event.change is Change.OTHER:
        return _ignored(row, "Nothing here depends on it.", now)
    if not event.entity_id:
        return _ignored(row, "It does not say what it is about.", now)
    return row


def _ignored(row: InboundEvent, reason: str, now: datetime) -> InboundEvent:
    row.state, row.reason, row.handled_at = InboundEvent.State.IGNORED, reason, now
    return row
