"""Connections and runs for the tests of the reporting, made through the tables."""

from itertools import count
from typing import Any

from django.utils import timezone

from integrations.models import Connection, SyncedCollection, SyncRun

_numbers = count(1)


def make_connection(**values: Any) -> Connection:
    """A connected workspace that was read a moment ago."""
    number = next(_numbers)
    given = {
        "connector": "notion",
        "name": f"Workspace {number}",
        "account_id": f"bot-{number}",
        "workspace_id": f"workspace-{number}",
        "last_synced_at": timezone.now(),
        "last_polled_at": timezone.now(),
    }
    return Connection.objects.create(**given | values)


def make_collection(connection: Connection, **values: Any) -> SyncedCollection:
    """A database of tasks with a confirmed mapping."""
    number = next(_numbers)
    given = {
        "remote_id": f"source-{number}",
        "title": f"Database {number}",
        "role": SyncedCollection.Role.TASKS,
        "is_enabled": True,
        "mapping_state": SyncedCollection.MappingState.CONFIRMED,
    }
    return SyncedCollection.objects.create(connection=connection, **given | values)


def make_run(connection: Connection, **values: Any) -> SyncRun:
    """A finished run that found nothing."""
    given = {
        "kind": SyncRun.Kind.POLL,
        "trigger": SyncRun.Trigger.SCHEDULE,
        "state": SyncRun.State.SUCCEEDED,
        "finished_at": timezone.now(),
    }
    return SyncRun.objects.create(connection=connection, **given | values)
