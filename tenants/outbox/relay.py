"""Brings events to their subscribers: in order, at least once, and what they do in the database once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from tenants.foundation.redaction import redact_text
from tenants.outbox.bus import DomainEvent, Subscription, event_class, restore, subscriptions
from tenants.outbox.models import Delivery, OutboxEvent, Subscriber
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)
EVENTS_AT_ONCE = 200
DELIVERIES_AT_ONCE = 50
MAX_ATTEMPTS = 10
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 600.0
PRUNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """What one delivering transaction did; ``retry_at`` is set when the next event has to wait."""

    delivered: int = 0
    failed: int = 0
    retry_at: datetime | None = None


def relay(*, between: Callable[[], None] = lambda: None) -> dict[str, datetime]:
    """Deliver everything that waits; returns subscriber → when to try again, for those that failed.

    ``between`` is called between the transactions (a job's heartbeat). A failing subscriber holds up nobody
    else.
    """
    known = subscriptions()
    while distribute(known) == EVENTS_AT_ONCE:
        between()
    waits: dict[str, datetime] = {}
    for subscription in known:
        while True:
            batch = deliver(subscription)
            between()
            if batch.retry_at is not None:
                waits[subscription.name] = batch.retry_at
            if batch.retry_at is not None or batch.delivered + batch.failed < DELIVERIES_AT_ONCE:
                break
    return waits


@atomic
def distribute(known: list[Subscription]) -> int:
    """Write a delivery per subscriber for the oldest events that have none yet; returns how many events."""
    events = list(
        OutboxEvent.objects.select_for_update()
        .filter(distributed_at__isnull=True)
        .order_by("id")
        .only("id", "name")[:EVENTS_AT_ONCE]
    )
    if not events:
        return 0
    wanted = [
        Delivery(event_id=event.pk, subscriber=subscription.name)
        for event in events
        for subscription in known
        if subscription.event_name == event.name
    ]
    names = {delivery.subscriber for delivery in wanted}
    Subscriber.objects.bulk_create([Subscriber(name=name) for name in sorted(names)], ignore_conflicts=True)
    Delivery.objects.bulk_create(wanted, ignore_conflicts=True)
    OutboxEvent.objects.filter(pk__in=[event.pk for event in events]).update(distributed_at=timezone.now())
    return len(events)


@atomic
def deliver(subscription: Subscription) -> Batch:
    """Deliver a subscriber's next events, oldest first, in one transaction with a savepoint each."""
    # The row's lock keeps order when two relays run: the second waits for the first one's short transaction.
    place = Subscriber.objects.select_for_update().filter(name=subscription.name).first()
    if place is None:
        return Batch()
    waiting = list(
        Delivery.objects.filter(subscriber=subscription.name, state=Delivery.State.WAITING)
        .select_related("event")
        .order_by("event_id")[:DELIVERIES_AT_ONCE]
    )
    done: list[UUID] = []
    failed, retry_at = 0, None
    for delivery in waiting:
        if delivery.due_at is not None and delivery.due_at > timezone.now():
            retry_at = delivery.due_at
            break
        error = _react(subscription, delivery.event)
        if error is None:
            done.append(delivery.pk)
            continue
        failed += 1
        place.last_error = _record_failure(delivery, error)
        if delivery.state == Delivery.State.WAITING:
            retry_at = delivery.due_at
            break
    if done:
        Delivery.objects.filter(pk__in=done).update(state=Delivery.State.DELIVERED, settled_at=timezone.now())
        place.last_delivered_at = timezone.now()
    if done or failed:
        place.save(update_fields=["last_delivered_at", "last_error"])
    return Batch(delivered=len(done), failed=failed, retry_at=retry_at)


def _react(subscription: Subscription, stored: OutboxEvent) -> Exception | None:
    """Call the subscriber in a savepoint; its own writes are undone when it fails."""
    try:
        with atomic():
            subscription.reaction(_event_of(stored))
    except Exception as error:
        log.warning(
            "event.delivery_failed", subscriber=subscription.name, event_name=stored.name, exc_info=True
        )
        return error
    return None


def _event_of(stored: OutboxEvent) -> DomainEvent:
    found = event_class(stored.name)
    if found is None:
        raise LookupError(f"No installed package has an event called “{stored.name}”.")
    return restore(
        found, stored.payload, event_id=stored.pk, actor_id=stored.actor_id, occurred_at=stored.occurred_at,
        tenant_id=current_tenant().id,
    )  # fmt: skip


def _record_failure(delivery: Delivery, error: Exception) -> str:
    delivery.attempts += 1
    delivery.last_error = redact_text(f"{type(error).__name__}: {error}")[:2000]
    if delivery.attempts >= MAX_ATTEMPTS:
        delivery.state, delivery.settled_at = Delivery.State.DEAD, timezone.now()
        log.error("event.delivery_given_up", subscriber=delivery.subscriber, event_id=str(delivery.event_id))
    else:
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** (delivery.attempts - 1))
        delivery.due_at = timezone.now() + timedelta(seconds=wait)
    delivery.save(update_fields=["attempts", "last_error", "state", "due_at", "settled_at"])
    return delivery.last_error


@atomic
def prune() -> int:
    """Remove a batch of what is old: deliveries after a week, events (the feed's) after ``OUTBOX_KEEP_DAYS``.

    An event that still waits for a subscriber, or that one gave up, stays.
    """
    now = timezone.now()
    settled = Delivery.objects.filter(state=Delivery.State.DELIVERED, settled_at__lt=now - timedelta(days=7))
    removed = Delivery.objects.filter(
        pk__in=list(settled.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    ).delete()[0]
    oldest = now - timedelta(days=settings.OUTBOX_KEEP_DAYS)
    old = OutboxEvent.objects.filter(occurred_at__lt=oldest, distributed_at__isnull=False).exclude(
        deliveries__state__in=[Delivery.State.WAITING, Delivery.State.DEAD]
    )
    removed += OutboxEvent.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    ).delete()[0]
    return removed
