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
    """What one delivering transaction did.

    ``retry_at`` is set when the next event has to wait; ``is_apart`` when the events were refused together and
    are to be delivered one by one.
    """

    delivered: int = 0
    failed: int = 0
    retry_at: datetime | None = None
    is_apart: bool = False


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
        retry_at = _deliver_all(subscription, between)
        if retry_at is not None:
            waits[subscription.name] = retry_at
    return waits


def _deliver_all(subscription: Subscription, between: Callable[[], None]) -> datetime | None:
    """Deliver until nothing is left or the next has to wait; returns until when."""
    apart = 0
    while True:
        at_most = 1 if apart else DELIVERIES_AT_ONCE
        batch = deliver(subscription, at_most=at_most)
        between()
        if batch.is_apart:
            apart = DELIVERIES_AT_ONCE
            continue
        if batch.retry_at is not None or batch.delivered + batch.failed < at_most:
            return batch.retry_at
        apart = max(apart - 1, 0)


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
def deliver(subscription: Subscription, *, at_most: int = DELIVERIES_AT_ONCE) -> Batch:
    """Deliver a subscriber's next events, oldest first, in one transaction: a savepoint each, or one for all."""
    # The row's lock keeps order when two relays run: the second waits for the first one's short transaction.
    place = Subscriber.objects.select_for_update().filter(name=subscription.name).first()
    if place is None:
        return Batch()
    waiting = list(
        Delivery.objects.filter(subscriber=subscription.name, state=Delivery.State.WAITING)
        .select_related("event")
        .order_by("event_id")[:at_most]
    )
    due, retry_at = _due(waiting)
    groups = [due] if subscription.takes_batches and due else [[delivery] for delivery in due]
    done: list[UUID] = []
    failed = 0
    for group in groups:
        error = _react(subscription, [delivery.event for delivery in group])
        if error is None:
            done += [delivery.pk for delivery in group]
            continue
        if len(group) > 1:
            return Batch(is_apart=True)
        failed += 1
        (delivery,) = group
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


def _due(waiting: list[Delivery]) -> tuple[list[Delivery], datetime | None]:
    """The deliveries up to the first one that has to wait, and until when that one waits."""
    now = timezone.now()
    for index, delivery in enumerate(waiting):
        if delivery.due_at is not None and delivery.due_at > now:
            return waiting[:index], delivery.due_at
    return waiting, None


def _react(subscription: Subscription, stored: list[OutboxEvent]) -> Exception | None:
    """Call the subscriber in a savepoint; its own writes are undone when it fails."""
    try:
        with atomic():
            events = [_event_of(one) for one in stored]
            subscription.reaction(events if subscription.takes_batches else events[0])
    except Exception as error:
        log.warning(
            "event.delivery_failed",
            subscriber=subscription.name,
            event_name=subscription.event_name,
            events=len(stored),
            exc_info=True,
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
