"""Counts calls by hour, operation and lane, so that a person can see where a budget went."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import connections
from django.utils import timezone

from integrations.models import CallTally
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic, current_tenant

#: The key of a count: the hour it belongs to, the operation, the lane.
type Key = tuple[datetime, str, str]

_ADD: Final = """
INSERT INTO integrations_calltally
  (id, connection_id, hour, operation, lane, calls, failed, refused, milliseconds)
SELECT (row->>'id')::uuid, %s, (row->>'hour')::timestamptz, row->>'operation', row->>'lane',
       (row->>'calls')::int, (row->>'failed')::int, (row->>'refused')::int, (row->>'milliseconds')::bigint
FROM jsonb_array_elements(%s::jsonb) AS row ORDER BY row->>'hour', row->>'operation', row->>'lane'
ON CONFLICT (connection_id, hour, operation, lane) DO UPDATE SET
  calls = integrations_calltally.calls + excluded.calls,
  failed = integrations_calltally.failed + excluded.failed,
  refused = integrations_calltally.refused + excluded.refused,
  milliseconds = integrations_calltally.milliseconds + excluded.milliseconds
"""


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
    """Add counts to what is stored, in one statement; always in the same order, so that nobody waits in a circle."""
    rows = [
        {
            "id": str(uuid7()), "hour": hour.isoformat(), "operation": operation, "lane": lane,
            "calls": count.calls, "failed": count.failed, "refused": count.refused,
            "milliseconds": count.milliseconds,
        }
        for (hour, operation, lane), count in counts.items()
    ]  # fmt: skip
    with connections[current_tenant().cell].cursor() as cursor:
        cursor.execute(_ADD, [connection_id, json.dumps(rows)])


def prune_tallies(*, before: datetime) -> int:
    """Forget the hours before a moment; returns how many rows went."""
    deleted, _ = CallTally.objects.filter(hour__lt=before).delete()
    return deleted
