"""Edits made there that our own write went over before anybody here had read them: a person is told of each."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.capabilities import READ_ONLY_KINDS
from integrations.models import (
    Conflict,
    Connection,
    ExternalLink,
    FieldMapping,
    InboundEvent,
    SyncChange,
    SyncRun,
)
from integrations.sync.canonical import Canonical
from integrations.sync.local_edits import local_edit_times
from integrations.sync.merge import FOLLOWERS
from integrations.sync.stored_mapping import collection_mapping, schema_from_json
from integrations.sync.vocabulary import OurField
from tasks.models import Person, Task

log = structlog.get_logger(__name__)

#: How far two clocks that are kept in step may be apart.
_SKEW: Final = timedelta(seconds=5)
#: Edits of several people shortly after each other are told of together, with the time of the last.
_TOGETHER: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Write:
    """One write of ours: when its answer was noted, and `[before, after]` by our field."""

    at: datetime
    fields: Mapping[str, Sequence[Canonical]]


def tell_overwritten(connection: Connection, events: Iterable[InboundEvent]) -> int:
    """Keep a decided conflict for each field whose edit there is known to be lost; returns how many.

    To be called once the records these events speak of are known here as they are now, in the transaction that settles
    the events: a second call finds them settled. An edit is lost where somebody else changed a column that a write of
    ours set afterwards, nobody had read it before, and the record still says what we wrote. What it said is unknown:
    an event has no values. Half a dozen statements, none where nobody else was at work.
    """
    told = [row for row in events if _is_by_others(row, connection.account_id)]
    if not told:
        return 0
    links = _locked_links(connection, {row.entity_id for row in told})
    writes = _writes(links.values(), since=min(row.occurred_at for row in told) - _TOGETHER)
    if not writes:
        return 0
    columns = _columns(connection, [link for link in links.values() if link.pk in writes])
    fresh: list[Conflict] = []
    for row in sorted(told, key=lambda item: item.occurred_at):
        link = links.get(row.entity_id)
        if link is None or link.pk not in writes:
            continue
        for name in _fields_of_both(row, writes[link.pk], columns[link.collection_id], connection.account_id):
            found = _lost(row, link, name, writes[link.pk])
            if found is not None and not any(
                one.link_id == link.pk and one.our_field == name for one in fresh
            ):
                fresh.append(found)
    if not fresh:
        return 0
    _describe(connection, fresh)
    Conflict.objects.bulk_create(fresh)
    log.warning("conflict.overwritten", connection_id=connection.pk, count=len(fresh))
    return len(fresh)


def _is_by_others(row: InboundEvent, account_id: str) -> bool:
    is_named = bool(row.updated_fields) and bool(set(row.author_ids) - {account_id})
    return row.change == InboundEvent.Change.VALUES and is_named


def _locked_links(connection: Connection, remote_ids: Iterable[str]) -> dict[str, ExternalLink]:
    """The links of live records with a task, locked in the order of the package: tasks, then links."""
    links = ExternalLink.objects.filter(
        connection=connection,
        remote_id__in=list(remote_ids),
        state=ExternalLink.State.CLEAN,
        task__isnull=False,
    )
    tasks = Task.objects.filter(pk__in=links.values("task_id"))
    list(tasks.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    locked = links.select_for_update(of=("self",)).select_related("collection").order_by("pk")
    return {link.remote_id: link for link in locked}


def _writes(links: Iterable[ExternalLink], *, since: datetime) -> dict[UUID, list[_Write]]:
    """Our writes of these records since then, oldest first, by link."""
    rows = SyncChange.objects.filter(
        link_id__in=[link.pk for link in links],
        side=SyncChange.Side.THERE,
        action=SyncChange.Action.UPDATED,
        is_planned=False,
        at__gte=since,
    )
    found: dict[UUID, list[_Write]] = defaultdict(list)
    for link_id, at, fields in rows.order_by("at", "id").values_list("link_id", "at", "fields"):
        if link_id is not None:
            found[link_id].append(_Write(at, fields))
    return dict(found)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column each of our fields is kept in, and which columns people can edit."""

    of_field: Mapping[str, str]
    editable: frozenset[str]


def _columns(connection: Connection, links: Iterable[ExternalLink]) -> dict[UUID, _Columns]:
    collections = {link.collection_id: link.collection for link in links}
    rows = list(FieldMapping.objects.filter(collection__in=list(collections)))
    found: dict[UUID, _Columns] = {}
    for pk, collection in collections.items():
        own = [row for row in rows if row.collection_id == pk]
        mapping = collection_mapping(collection, own, source=connection.name)
        kept = {item.value: column.remote_id for item in OurField if (column := mapping.column_of(item))}
        schema = schema_from_json(collection.schema)
        editable = frozenset(column.id for column in schema if column.kind not in READ_ONLY_KINDS)
        found[pk] = _Columns(kept, editable)
    return found


def _fields_of_both(
    row: InboundEvent, writes: Sequence[_Write], columns: _Columns, account_id: str
) -> list[str]:
    """The fields of ours that others have certainly edited as well.

    An event that tells of our write and of others together names the columns of both. Where one of them is not ours,
    the others may have edited nothing else: that is no conflict, or every edit side by side would be one.
    """
    named = set(row.updated_fields or ())
    ours = {name for write in writes for name in write.fields}
    if account_id in row.author_ids:
        written = {columns.of_field[name] for name in ours if name in columns.of_field}
        if (named - written) & columns.editable:
            return []
    followers = {item.value for item in FOLLOWERS}
    return sorted(name for name in ours - followers if columns.of_field.get(name) in named)


def _lost(row: InboundEvent, link: ExternalLink, name: str, writes: Sequence[_Write]) -> Conflict | None:
    """The conflict about one field, unless the edit there came later, was read in time, or is told of already."""
    is_joint = len(row.author_ids) > 1
    since = row.occurred_at - (_TOGETHER if is_joint else _SKEW)
    after = [write for write in writes if name in write.fields and write.at >= since]
    if not after:
        return None
    first, last = after[0], after[-1]
    if (link.base or {}).get(name) != last.fields[name][1]:
        # The record says something else by now: what was edited there came after us.
        return None
    taken = SyncChange.objects.filter(
        link_id=link.pk,
        side=SyncChange.Side.HERE,
        is_planned=False,
        at__gte=since if is_joint else row.occurred_at,
        at__lte=first.at,
        fields__has_key=name,
    )
    if is_joint:
        # What an earlier event had us read was told of then: this one speaks of what came after.
        taken = taken.exclude(run__kind=SyncRun.Kind.EVENTS)
    known = Conflict.objects.filter(link=link, our_field=name, updated_at__gte=since)
    if taken.exists() or known.exists():
        return None
    assert link.task_id is not None
    return Conflict(
        connection_id=link.connection_id, link=link, task_id=link.task_id, our_field=name, policy=Conflict.UNREAD,
        base=first.fields[name][0], local=last.fields[name][1], remote=None, chosen=Conflict.Side.LOCAL,
        state=Conflict.State.DECIDED, reason=_people(row, link), settled_at=timezone.now(),
        local_changed_at=first.at, remote_changed_at=row.occurred_at,
    )  # fmt: skip


def _people(row: InboundEvent, link: ExternalLink) -> str:
    connection = link.connection
    others = [item for item in row.author_ids if item != connection.account_id]
    refs = [f"{connection.connector}:{item}" for item in others]
    names = list(Person.objects.filter(refs__overlap=refs).order_by("name").values_list("name", flat=True))
    who = " and ".join(names) if names else "Somebody"
    return (
        f"{who} changed it there just before a change from here was written over it. Nobody here had read"
        " what it said; the record's own history there may still show it."
    )


def _describe(connection: Connection, fresh: Sequence[Conflict]) -> None:
    """Say when the value was edited here, where that is known: the write came a little later."""
    times = local_edit_times({row.task_id for row in fresh})
    for row in fresh:
        edited_at = times.get(row.task_id, {}).get(row.our_field)
        if edited_at is not None and row.local_changed_at is not None and edited_at <= row.local_changed_at:
            row.local_changed_at = edited_at
