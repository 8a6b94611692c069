"""Events of records the service fails for: they let others go first, longer each time, and are set aside in the end."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

import structlog
from django.utils import timezone

from integrations.models import Connection, ExternalLink, InboundEvent, SyncedCollection
from integrations.sync.events import metrics
from integrations.sync.events.dirty_set import settle
from integrations.sync.retry import KNOWN_FAILURES

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(hours=1)
#: After so many tries a record is set aside, if the service has answered other questions meanwhile.
MOST_TRIES: Final = 6
SET_ASIDE: Final = (
    "The service failed for this record again and again: it is set aside and tried with the next looks."
)


def pause_after(failures: int) -> timedelta:
    """How long an event is put off after its n-th failure (from 1)."""
    doublings = min(max(failures, 1) - 1, 20)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def put_off(
    connection: Connection, collection: SyncedCollection, events: Mapping[str, Sequence[str]], *, reason: str
) -> None:
    """Note that records could not be read: record → its events. Inside a transaction.

    A record that has failed `MOST_TRIES` times is set aside, but only when a look for changes has succeeded since its
    first failure: while a service is down altogether, no record of it is to blame.
    """
    now = timezone.now()
    waiting = InboundEvent.objects.select_for_update().filter(
        pk__in=[one for ids in events.values() for one in ids], state=InboundEvent.State.WAITING
    )
    rows = sorted(waiting, key=lambda row: row.entity_id)
    last_look = Connection.objects.values_list("last_polled_at", flat=True).get(pk=connection.pk)
    hopeless: dict[str, list[str]] = {}
    for remote_id, group in groupby(rows, key=lambda row: row.entity_id):
        own = list(group)
        failures = max(row.failures for row in own) + 1
        since = min((row.failing_since for row in own if row.failing_since), default=now)
        for row in own:
            row.failures, row.failing_since, row.not_before = failures, since, now + pause_after(failures)
        if failures >= MOST_TRIES and last_look is not None and last_look > since:
            hopeless[remote_id] = [row.pk for row in own]
    InboundEvent.objects.bulk_update(rows, ["failures", "failing_since", "not_before"], batch_size=1000)
    metrics.PUT_OFF.inc(len(rows))
    if hopeless:
        _set_aside(connection, collection, hopeless, reason)


def _set_aside(
    connection: Connection, collection: SyncedCollection, events: Mapping[str, Sequence[str]], reason: str
) -> None:
    state = ExternalLink.State.QUARANTINED
    links = ExternalLink.objects.filter(connection=connection, remote_id__in=list(events))
    # The next look tries each once more, and says nothing against the service when that fails.
    links.update(state=state, state_reason=reason[:500], content_hash="", failures=KNOWN_FAILURES)
    ExternalLink.objects.bulk_create(
        [
            ExternalLink(
                connection=connection, collection=collection, remote_id=remote_id, state=state,
                state_reason=reason[:500], failures=KNOWN_FAILURES,
            )
            for remote_id in events
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    settle(
        [one for ids in events.values() for one in ids], state=InboundEvent.State.IGNORED, reason=SET_ASIDE
    )
    log.warning("events.record_set_aside", connection_id=connection.pk, records=len(events))
