"""Whether a service tells us of everything: what looks found and no event told of, and how often to look."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from integrations.events import WebhookChanged
from integrations.models import (
    Connection,
    ExternalLink,
    InboundEvent,
    SyncChange,
    SyncRun,
    WebhookSubscription,
)
from integrations.sync.events import metrics
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: While events come, a look at each table every quarter of an hour finds what they left out, the time a look takes
#: included. Reading all that was edited since the last look is one, whatever asked for it.
SAFETY_SECONDS: Final = 15 * 60 - 5
#: Half of that after the last look, the next reading of the table is made one: it costs no call more.
LOOK_WORTH_SECONDS: Final = SAFETY_SECONDS // 2
#: An event may come this long after the change.
GRACE: Final = timedelta(minutes=5)
#: Edits older than this when they were found say nothing of the events: a paused workspace, a new mapping.
NEWS: Final = timedelta(hours=1)
#: So many changes in a row without a word, or one after so long a silence, and nobody relies on the events any more.
MISSED_IN_A_ROW: Final = 3
LONG_SILENCE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Found:
    """A change a look found: the record, when it was edited there (the service's clock), when we found it (ours)."""

    remote_id: str
    edited_at: datetime
    found_at: datetime


def poll_seconds(connection: Connection, subscription: WebhookSubscription | None) -> int:
    """How often to look for changes: rarely while events come, often while none do."""
    usual = connection.poll_seconds or settings.SYNC_POLL_SECONDS
    if subscription is None or subscription.state != WebhookSubscription.State.ACTIVE:
        return int(usual)
    return max(int(usual), SAFETY_SECONDS) if connection.poll_seconds is None else int(usual)


def is_silent(*, untold_in_a_row: int, last_event_at: datetime | None, now: datetime) -> bool:
    """Whether changes happen and nothing is told; pure."""
    if untold_in_a_row == 0:
        return False
    return untold_in_a_row >= MISSED_IN_A_ROW or last_event_at is None or now - last_event_at > LONG_SILENCE


@atomic
def watch(*, connection_id: UUID) -> int:
    """Compare what looks have found with what events told of; returns how many changes nobody told of.

    Each change is judged once, five minutes after it was found. Falling silent is announced; the next event that
    comes ends it.
    """
    subscription = WebhookSubscription.objects.select_for_update().filter(connection_id=connection_id).first()
    receiving = {WebhookSubscription.State.ACTIVE, WebhookSubscription.State.SILENT}
    if subscription is None or subscription.state not in receiving:
        return 0
    now = timezone.now()
    since = subscription.watched_until or subscription.created_at
    until = now - GRACE
    if until <= since:
        return 0
    untold = _untold(connection_id, _found(connection_id, since, until))
    subscription.watched_until = until
    subscription.missed += len(untold)
    last = subscription.last_event_at
    in_a_row = sum(last is None or change.found_at > last for change in untold)
    in_a_row += _earlier_in_a_row(connection_id, last, since) if in_a_row else 0
    if subscription.state == WebhookSubscription.State.ACTIVE and is_silent(
        untold_in_a_row=in_a_row, last_event_at=last, now=now
    ):
        _fall_silent(subscription)
    subscription.save(update_fields=["watched_until", "missed", "state", "state_reason", "updated_at"])
    metrics.UNTOLD.inc(len(untold))
    return len(untold)


def _fall_silent(subscription: WebhookSubscription) -> None:
    subscription.state = WebhookSubscription.State.SILENT
    subscription.state_reason = (
        "Changes were found that no event told of. They are looked for more often until events come again."
    )
    publish(
        WebhookChanged(connection_id=subscription.connection_id, state=subscription.state, reason="silent")
    )
    log.warning("webhook.silent", connection_id=subscription.connection_id, missed=subscription.missed)


def _found(connection_id: UUID, since: datetime, until: datetime) -> list[Found]:
    """What looks for changes found in that time and was news then; each record once, as it was found last."""
    # What events have read is among it: with the records they named, others come that nobody has told of.
    looks = SyncRun.objects.filter(
        connection_id=connection_id,
        kind__in=[SyncRun.Kind.POLL, SyncRun.Kind.EVENTS],
        created_at__gt=since - NEWS,
    )
    changes = SyncChange.objects.filter(
        run__in=looks, side=SyncChange.Side.HERE, is_planned=False, at__gt=since, at__lte=until
    )
    rows = changes.exclude(link_id=None).order_by("at").values_list("link_id", "at")
    found_at = {link_id: at for link_id, at in rows if link_id is not None}
    links = ExternalLink.objects.filter(pk__in=list(found_at)).values_list(
        "pk", "remote_id", "remote_edited_at"
    )
    found = [Found(remote_id, edited, found_at[pk]) for pk, remote_id, edited in links if edited is not None]
    return [change for change in found if change.found_at - change.edited_at < NEWS]


def _untold(connection_id: UUID, found: Iterable[Found]) -> list[Found]:
    """Those of them that no event spoke of; both times are the service's, so a wrong clock of ours does not matter."""
    changes = list(found)
    events = InboundEvent.objects.filter(
        connection_id=connection_id, entity_id__in=[change.remote_id for change in changes]
    )
    told = dict(events.order_by("occurred_at").values_list("entity_id", "occurred_at"))
    return [
        change
        for change in changes
        if change.remote_id not in told or told[change.remote_id] < change.edited_at
    ]


def _earlier_in_a_row(connection_id: UUID, last_event_at: datetime | None, since: datetime) -> int:
    """Changes nobody told of that were judged before, since the last event."""
    begin = max(last_event_at or since - NEWS, since - NEWS)
    return 0 if begin >= since else len(_untold(connection_id, _found(connection_id, begin, since)))
