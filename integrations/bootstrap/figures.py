"""Key figures as rows of a database, where the service makes no views: one row a department, written every night."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Count, Q
from django.utils import timezone

from integrations.bootstrap.blueprint import FIGURES
from integrations.bootstrap.opening import open_builder
from integrations.capabilities import DateSpan, FieldKind, ProblemKind, RemoteField, RemoteValue, SourceError
from integrations.models import Connection, WorkspaceSetup
from integrations.sync.guarded_sink import open_sink
from integrations.sync.vocabulary import normal
from tasks.models import Task
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
FIGURES_JOB: Final = "integrations.write_figures"
NO_DEPARTMENT: Final = "No department"
_WEEK: Final = timedelta(days=7)


def figures_by_department() -> dict[str, dict[str, int]]:
    """Open, overdue, done and new tasks of every department that has any; one statement."""
    now, today = timezone.now(), timezone.localdate()
    is_open = Q(status__in=Task.OPEN_STATUSES)
    rows = (
        Task.objects.live()
        .order_by()
        .values("department__name")
        .annotate(
            open=Count("pk", filter=is_open),
            overdue=Count("pk", filter=is_open & Q(due_on__lt=today)),
            done=Count("pk", filter=Q(status=Task.Status.DONE, completed_at__gte=now - _WEEK)),
            new=Count("pk", filter=Q(created_at__gte=now - _WEEK)),
        )
    )
    return {
        row["department__name"] or NO_DEPARTMENT: {
            "Open": row["open"], "Overdue": row["overdue"], "Done in 7 days": row["done"],
            "New in 7 days": row["new"],
        }
        for row in rows
    }  # fmt: skip


def write_figures(*, setup_id: UUID) -> bool:
    """Write today's figures into the workspace; False when there is nowhere to write them any more.

    A row is found again by its name before one is made, so that no crash makes two. Outside a transaction.
    Raises: LimitReached, SourceError.
    """
    with atomic():
        setup = WorkspaceSetup.objects.select_related("connection").filter(pk=setup_id).first()
        made = setup.made.get(FIGURES.key) if setup else None
        if setup is None or not made or setup.connection.state == Connection.State.DISCONNECTED:
            return False
        if not setup.connection.is_reading:
            return True
        figures = figures_by_department()
    opened = open_builder(setup.connection)
    sink = open_sink(setup.connection, opened.guard)
    try:
        collection = opened.builder.collection(made["data_source_id"])
        fields = {normal(field.name): field for field in collection.fields}
        title = collection.title_field
        if title is None:
            return False
        for name, counts in sorted(figures.items()):
            values = _values(counts, fields)
            known = sink.records_with(collection.id, field_id=title.id, kind=FieldKind.TITLE, texts=[name])
            row = next((item for item in known if item.title == name and not item.is_trashed), None)
            if row is not None:
                sink.update_record(row.id, values)
            else:
                sink.create_record(
                    collection.id, {title.id: RemoteValue(title.id, title.kind, name), **values}
                )
    except SourceError as error:
        if error.kind is ProblemKind.NOT_FOUND:
            log.info("figures.place_lost", setup_id=setup_id)
            return False
        if error.is_transient:
            raise LimitReached(str(error), retry_after_seconds=error.retry_after_seconds or 60.0) from error
        raise
    finally:
        opened.guard.write_tally()
    log.info("figures.written", setup_id=setup_id, rows=len(figures))
    return True


def _values(counts: Mapping[str, int], fields: Mapping[str, RemoteField]) -> dict[str, RemoteValue]:
    values: dict[str, RemoteValue] = {}
    for name, count in counts.items():
        field = fields.get(normal(name))
        if field is not None and field.kind is FieldKind.NUMBER:
            values[field.id] = RemoteValue(field.id, field.kind, float(count))
    day = fields.get(normal("As of"))
    if day is not None and day.kind is FieldKind.DATE:
        values[day.id] = RemoteValue(day.id, day.kind, DateSpan(timezone.localdate()))
    return values
