"""Counts calls by hour, operation and lane, so that a person can see where a budget went."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from integrations.models import CallTally
from tenants.tenancy import atomic

#: The key of a count: the hour it belongs to, the operation, the lane.
type Key = tuple[datetime, str, str]


@dataclass(slots=True)
class Count:
    """Calls of one key since they were last written."""

    calls: int = 0
    failed: int = 0
    refused: int = 0
    milliseconds: int = 0


def this_hour() -> datetime:
    """The beginning of the present hour, UTC."""
    return timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@atomic
def add_counts(connection_id: UUID, counts: Mapping[Key, Count]) -> None:
    """Add counts to what is stored; always in the same order, so that no two workers wait in a circle."""
    keys = sorted(counts)
    CallTally.objects.bulk_create(
        [
            CallTally(connection_id=connection_id, hour=hour, operation=operation, lane=lane)
            for hour, operation, lane in keys
        ],
        ignore_conflicts=True,
    )
    for hour, operation, lane in keys:
        count = counts[hour, operation, lane]
        row = CallTally.objects.filter(connection_id=connection_id, hour=hour, operation=operation, lane=lane)
        row.update(
            calls=F("calls") + count.calls,
            failed=F("failed") + count.failed,
            refused=F("refused") + count.refused,
            milliseconds=F("milliseconds") + count.milliseconds,
        )


def prune_tallies(*, before: datetime) -> int:
    """Forget the hours before a moment; returns how many rows went."""
    deleted, _ = CallTally.objects.filter(hour__lt=before).delete()
    return deleted
