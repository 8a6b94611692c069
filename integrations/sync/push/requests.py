"""Notes that tasks are to be written to their workspaces: one row a record, however often it is edited."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from integrations.models import Connection, ExternalLink, Push, SyncedCollection
from integrations.services import enqueue_pushes
from integrations.sync.push.refusals import VALUE
from tasks.models import Task
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Edits of one task within this time are one call.
DEBOUNCE: Final = timedelta(seconds=2)
_BATCH: Final = 500
PRIORITY_OF_EDITS, PRIORITY_OF_OTHERS = 30, 90
_ALIVE: Final = (ExternalLink.State.CLEAN, ExternalLink.State.QUARANTINED)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One row to be written: where the record is or shall be, and what is to happen to it."""

    task_id: UUID
    connection_id: UUID
    collection_id: UUID
    link_id: UUID | None
    kind: str


@atomic
def request_push(*, task_ids: Iterable[UUID], is_interactive: bool = True) -> int:
    """Have what is different about these tasks written to their records; returns how many records that concerns.

    A task without a record gets one where a collection takes new tasks of its department, else where one takes
    those that no other takes. An archived task's record goes to the trash only where its collection says so.
    What is sent is decided when it is sent, so asking once too often costs nothing. Safe to repeat.
    """
    wanted: list[_Wanted] = []
    ids = sorted(set(task_ids))  # in one order, also over the batches
    for start in range(0, len(ids), _BATCH):
        wanted += _wanted(ids[start : start + _BATCH])
    if not wanted:
        return 0
    now = timezone.now()
    _note(wanted, is_interactive=is_interactive, now=now)
    for connection_id in sorted({item.connection_id for item in wanted}):
        priority = PRIORITY_OF_EDITS if is_interactive else PRIORITY_OF_OTHERS
        enqueue_pushes(connection_id, due_at=now + DEBOUNCE, priority=priority)
    return len(wanted)


def intended_kind(*, link_state: str, is_archived: bool, trashes_records: bool) -> str | None:
    """What is to be done about a record; None when nothing is."""
    if link_state == ExternalLink.State.TRASHED_REMOTE:
        return Push.Kind.RESTORE if trashes_records and not is_archived else None
    if link_state not in _ALIVE:
        return None
    if not is_archived:
        return Push.Kind.UPDATE
    return Push.Kind.TRASH if trashes_records else None


def _wanted(ids: Collection[UUID]) -> list[_Wanted]:
    # Locked before the rows about them are made, in the order of a reading that asks for pushes as well.
    tasks = Task.objects.filter(pk__in=ids)
    list(tasks.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    rows = {row[0]: row[1:] for row in tasks.values_list("pk", "archived_at", "department__name")}
    links = ExternalLink.objects.filter(task__in=list(rows)).select_related("collection", "connection")
    found: list[_Wanted] = []
    linked: set[UUID] = set()
    for link in links:
        assert link.task_id is not None
        linked.add(link.task_id)
        collection = link.collection
        is_written = (
            link.connection.state != Connection.State.DISCONNECTED
            and collection.is_enabled
            and collection.mapping_state == SyncedCollection.MappingState.CONFIRMED
            and collection.role == SyncedCollection.Role.TASKS
        )
        kind = intended_kind(
            link_state=link.state,
            is_archived=rows[link.task_id][0] is not None,
            trashes_records=collection.trashes_records,
        )
        if is_written and kind is not None:
            found.append(_Wanted(link.task_id, link.connection_id, collection.pk, link.pk, kind))
    unlinked = {pk: row for pk, row in rows.items() if pk not in linked}
    archived = [pk for pk, (archived_at, _) in unlinked.items() if archived_at is not None]
    if archived:
        # Nobody there has seen them; those being sent are looked at again once it is known what became of them.
        makings = Push.objects.filter(task__in=archived, kind=Push.Kind.CREATE)
        makings.filter(state__in=[Push.State.WAITING, Push.State.PARKED, Push.State.HELD]).delete()
        makings.unsettled().update(generation=F("generation") + 1)
    return found + _homes({pk: name for pk, (gone_at, name) in unlinked.items() if gone_at is None})


def _homes(departments: dict[UUID, str | None]) -> list[_Wanted]:
    """Where tasks without a record get one: by their department's name, else where all the others go."""
    if not departments:
        return []
    taking = SyncedCollection.objects.wanted().filter(
        takes_new_tasks=True, role=SyncedCollection.Role.TASKS, connection__in=Connection.objects.present()
    )
    homes: dict[str, SyncedCollection] = {}
    for collection in taking.order_by("created_at", "id"):
        homes.setdefault(collection.department_name.strip().lower(), collection)
    # What is under way to one home does not go to another as well because somebody changed the rules meanwhile.
    under_way = {
        push.task_id: push for push in Push.objects.filter(task__in=list(departments), kind=Push.Kind.CREATE)
    }
    found = []
    for task_id, name in departments.items():
        push = under_way.get(task_id)
        if push is not None:
            found.append(
                _Wanted(task_id, push.connection_id, push.collection_id, push.link_id, Push.Kind.CREATE)
            )
        elif (home := homes.get((name or "").strip().lower()) or homes.get("")) is not None:
            found.append(_Wanted(task_id, home.connection_id, home.pk, None, Push.Kind.CREATE))
    return found


def _note(wanted: list[_Wanted], *, is_interactive: bool, now: datetime) -> None:
    """Make the rows that are missing, then count the edit on all of them.

    The rows come with generation 0 and are counted like the others: two who ask at the same time both count.
    """
    fresh = [
        Push(
            connection_id=item.connection_id, collection_id=item.collection_id, link_id=item.link_id,
            task_id=item.task_id, kind=item.kind, generation=0, is_interactive=is_interactive,
            not_before=now + DEBOUNCE, first_edit_at=now,
        )
        for item in wanted
    ]  # fmt: skip
    Push.objects.bulk_create(sorted(fresh, key=lambda push: push.task_id), ignore_conflicts=True)
    asked = Push.objects.filter(task__in=[item.task_id for item in wanted])
    # Two who ask for the same tasks take the rows in the same order.
    list(asked.select_for_update().order_by("pk").values_list("pk"))
    by_kind: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for item in wanted:
        by_kind[item.connection_id, item.kind].append(item.task_id)
    for (connection_id, kind), task_ids in by_kind.items():
        rows = Push.objects.filter(connection_id=connection_id, task__in=task_ids)
        # An edit may have mended what was refused. A merge has not: what was not kept would be sent again and again;
        # values of ours are only checked anew.
        mendable = rows.parked() if is_interactive else rows.parked().filter(error_code=VALUE)
        mendable.update(
            state=Push.State.WAITING, not_before=now + DEBOUNCE, attempts=0,
            error_code="", error_field="", error="",
        )  # fmt: skip
        # What was sent and not answered is looked up as what it was; its kind follows then.
        rows.exclude(state__in=[Push.State.SENDING, Push.State.AMBIGUOUS]).update(kind=kind)
        counted = {"is_interactive": True} if is_interactive else {}
        rows.update(generation=F("generation") + 1, updated_at=now, **counted)
    log.info("push.requested", records=len(wanted), is_interactive=is_interactive)
