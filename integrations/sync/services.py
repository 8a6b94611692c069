"""Writes of how collections are read: discover them, propose a mapping, show it, confirm it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from integrations.capabilities import FieldKind, RemoteField
from integrations.events import MappingConfirmed
from integrations.models import Connection, FieldMapping, SyncedCollection, SyncRun
from integrations.services import enqueue_unsent, start_sync_run
from integrations.sync.discovery import discover_collections, stored_options
from integrations.sync.proposals import (
    CollectionProposal,
    can_carry,
    find_projects,
    option_proposals,
    propose_mapping,
)
from integrations.sync.setting_up import ONE_READER, refuse_second_reading
from integrations.sync.stored_mapping import remote_collection, schema_from_json, stamp, stamp_of
from integrations.sync.vocabulary import OurField
from integrations.sync.way_back import is_only_way_back, way_back
from tasks.models import Task
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, wait_for_turn

log = structlog.get_logger(__name__)

__all__ = [
    "MappingChoice",
    "confirm_mapping",
    "confirm_proposals",
    "current_choices",
    "discover_collections",
    "propose_collection_mapping",
    "rows_of_choices",
    "switch_off_collection",
]

_PRIORITIES: Final = {str(value) for value in Task.Priority.values}


@dataclass(frozen=True, slots=True)
class MappingChoice:
    """A person's decision for one of our fields; `options` overrides what single remote options mean.

    `direction` says which way its values go, `policy` who wins when both sides changed it; empty leaves them as is.
    """

    our_field: str
    remote_field_id: str
    options: Mapping[str, str] = field(default_factory=dict)
    direction: str = ""
    policy: str = ""


@atomic
def propose_collection_mapping(*, collection: SyncedCollection, actor: Actor) -> CollectionProposal:
    """Propose afresh how to read a collection from its columns as last seen; changes nothing.

    Raises: Forbidden.
    """
    require(actor, "integrations.view")
    rows = SyncedCollection.objects.filter(connection_id=collection.connection_id)
    project_ids = find_projects(remote_collection(row) for row in rows)
    return propose_mapping(remote_collection(collection), project_ids=project_ids)


@atomic
def confirm_mapping(
    *,
    collection: SyncedCollection,
    choices: Sequence[MappingChoice],
    actor: Actor,
    role: str = SyncedCollection.Role.TASKS,
    department_name: str = "",
    start: bool = True,
    is_final: bool = False,
    takes_new_tasks: bool | None = None,
    trashes_records: bool | None = None,
    seen: str = "",
) -> SyncedCollection:
    """Decide how a collection is read and written, and switch it on; with `start` its import begins at once.

    `takes_new_tasks`: new tasks of its department (where it has none: those no other collection takes) get a record
    here. `trashes_records`: archiving a task puts its record into the trash there. None leaves them as they are.
    `seen` is the stamp (`stamp_of`) of the mapping the person had before their eyes: if it has changed since, nothing
    is decided. Where only the way back changes, nothing is read anew. While its workspace is being set up (somebody
    has chosen it and not said "go") it stays off, unless `is_final`.
    Raises: Forbidden, InvalidInput (no title, a column that cannot fill the field, an unknown state), Conflict (it is
    read through another connection, or decided about since it was seen).
    """
    require(actor, "integrations.map", on=collection)
    wait_for_turn(ONE_READER)
    _lock_connection(collection.connection_id)
    refuse_second_reading(collection)
    locked = SyncedCollection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
    rows = rows_of_choices(locked, choices)
    if OurField.TITLE.value not in {row.our_field for row in rows}:
        raise InvalidInput(
            "A title column is needed: without it rows cannot become tasks.",
            fields={"title": ["Choose a column."]},
        )
    if role not in {SyncedCollection.Role.TASKS, SyncedCollection.Role.PROJECTS}:
        raise InvalidInput(
            "Rows can become tasks or projects.", fields={"role": ["Choose tasks or projects."]}
        )
    flags = {"takes_new_tasks": takes_new_tasks, "trashes_records": trashes_records}
    decided: dict[str, object] = {"role": role, "department_name": department_name.strip()[:200]}
    decided |= {name: value for name, value in flags.items() if value is not None}
    if seen and stamp_of(locked) not in {seen, stamp(locked, rows, **decided)}:
        raise Conflict(
            "How this database is read was changed since you opened the page. Look at it once more, then confirm.",
            code="integrations.mapping_moved_on",
        )
    is_read_alike = is_only_way_back(locked, rows, role=role, department_name=department_name, flags=flags)
    FieldMapping.objects.filter(collection=locked).delete()
    FieldMapping.objects.bulk_create(rows)
    for name, value in flags.items():
        if value is not None:
            setattr(locked, name, value)
    if is_read_alike:
        locked.save()
        # What was edited here while its column was only read is sent now.
        enqueue_unsent(locked.connection_id, scope="all")
        return locked
    locked.role, locked.department_name = role, department_name.strip()[:200]
    is_waiting = locked.is_chosen and not locked.is_enabled and not is_final
    locked.is_enabled, locked.is_chosen = not is_waiting, is_waiting
    locked.mapping_state = SyncedCollection.MappingState.CONFIRMED
    locked.mapping_revision += 1
    # Everything is read anew under the new mapping; what turns out the same is not written.
    locked.watermark, locked.state, locked.state_reason = None, SyncedCollection.State.READY, ""
    locked.save()
    if is_waiting:
        return locked
    publish(MappingConfirmed(connection_id=locked.connection_id, collection_id=locked.pk))
    if start:
        _start_import(locked, actor)
    return locked


@atomic
def confirm_proposals(*, connection: Connection, actor: Actor, start: bool = True) -> list[SyncedCollection]:
    """Confirm every proposal of a connection as it stands; returns the collections now switched on.

    What is read through another connection already is left out.
    Raises: Forbidden, Conflict (nothing looks like tasks or projects, nothing is shared, all of it is read already).
    """
    require(actor, "integrations.map", on=connection)
    wait_for_turn(ONE_READER)
    _lock_connection(connection.pk)
    proposed = SyncedCollection.objects.filter(
        connection=connection,
        mapping_state=SyncedCollection.MappingState.PROPOSED,
        role__in=[SyncedCollection.Role.TASKS, SyncedCollection.Role.PROJECTS],
        state=SyncedCollection.State.READY,
    )
    free, refusal = _free_of(proposed.order_by("role", "title", "id"))
    confirmed = [
        confirm_mapping(
            collection=collection,
            choices=current_choices(collection),
            actor=actor,
            role=collection.role,
            department_name=collection.department_name,
            start=False,
            is_final=True,
        )
        for collection in free
    ]
    if refusal is not None and not confirmed:
        raise refusal
    if not confirmed:
        raise Conflict(
            "No database that is shared with the integration looks like tasks. Share one, then look again.",
            code="integrations.nothing_proposed",
        )
    if start:
        start_sync_run(connection=connection, actor=actor, trigger=SyncRun.Trigger.CONNECT)
    return confirmed


def _free_of(
    collections: Iterable[SyncedCollection],
) -> tuple[list[SyncedCollection], Conflict | None]:
    """Those nobody else reads, and why the others are left out."""
    free: list[SyncedCollection] = []
    refusal: Conflict | None = None
    for collection in collections:
        try:
            refuse_second_reading(collection)
        except Conflict as conflict:
            refusal = conflict
        else:
            free.append(collection)
    return free, refusal


@atomic
def switch_off_collection(*, collection: SyncedCollection, actor: Actor) -> SyncedCollection:
    """Stop reading a collection; its tasks stay. Raises: Forbidden."""
    require(actor, "integrations.map", on=collection)
    locked = SyncedCollection.objects.select_for_update(of=("self",)).get(pk=collection.pk)
    locked.is_enabled = False
    locked.save(update_fields=["is_enabled", "updated_at"])
    return locked


def current_choices(collection: SyncedCollection) -> list[MappingChoice]:
    """The mapping of a collection as it stands, as choices."""
    return [
        MappingChoice(row.our_field, row.remote_field_id, row.option_values, row.direction, row.policy)
        for row in collection.mappings.all()
        if row.state != FieldMapping.State.SUSPENDED
    ]


def rows_of_choices(collection: SyncedCollection, choices: Sequence[MappingChoice]) -> list[FieldMapping]:
    """The mappings, not saved, that these choices would make.

    Raises: InvalidInput (a column that cannot fill the field, or is gone; a field twice; an unknown state).
    """
    by_id = {item.id: item for item in schema_from_json(collection.schema)}
    stored = {row.our_field: row for row in collection.mappings.all()}
    rows = [_row(collection, choice, by_id, stored.get(choice.our_field)) for choice in choices]
    if len({row.our_field for row in rows}) != len(rows):
        raise InvalidInput("Each field can be filled from one column only.")
    return rows


def _lock_connection(connection_id: UUID) -> None:
    """Take the connection before its collections, in the order of everyone who locks both."""
    Connection.objects.select_for_update().get(pk=connection_id)


def _start_import(collection: SyncedCollection, actor: Actor) -> None:
    under_way = SyncRun.objects.filter(connection_id=collection.connection_id).exclude(
        kind__in=[SyncRun.Kind.POLL, SyncRun.Kind.BODIES]
    )
    if under_way.open().exists() or not collection.connection.is_reading:
        # The run under way, or resuming, picks up what has never been read.
        return
    start_sync_run(
        connection=collection.connection,
        actor=actor,
        kind=SyncRun.Kind.IMPORT,
        trigger=SyncRun.Trigger.MAPPING,
    )


def _row(
    collection: SyncedCollection,
    choice: MappingChoice,
    by_id: Mapping[str, RemoteField],
    stored: FieldMapping | None,
) -> FieldMapping:
    if choice.our_field not in set(OurField):
        raise InvalidInput(f"There is no field called {choice.our_field!r}.")
    our_field = OurField(choice.our_field)
    remote = by_id.get(choice.remote_field_id)
    if remote is None:
        raise InvalidInput(
            "This column is not there any more.", fields={our_field.value: ["Choose another column."]}
        )
    if not can_carry(our_field, remote.kind):
        label = our_field.value.replace("_", " ")
        raise InvalidInput(
            f"The column “{remote.name}” cannot fill {label}.",
            fields={our_field.value: [f"A {_kind(remote.kind)} column cannot fill this."]},
        )
    _check_options(our_field, choice.options)
    direction, policy = way_back(choice.direction, choice.policy, our_field, remote, stored)
    return FieldMapping(
        collection=collection,
        our_field=our_field.value,
        remote_field_id=remote.id,
        remote_field_name=remote.name,
        remote_kind=remote.kind.value,
        related_collection_id=remote.related_collection_id,
        options=stored_options(option_proposals(our_field, remote), choice.options),
        direction=direction,
        policy=policy,
        state=FieldMapping.State.CONFIRMED,
        reason="Confirmed.",
        score=1.0,
    )


def _check_options(our_field: OurField, options: Mapping[str, str]) -> None:
    allowed = {OurField.STATUS: set(Task.Status.values), OurField.PRIORITY: _PRIORITIES}.get(our_field, set())
    unknown = sorted(set(options.values()) - allowed)
    if unknown:
        raise InvalidInput(
            f"“{unknown[0]}” is no {our_field.value} here.",
            fields={our_field.value: [f"Choose one of: {', '.join(sorted(allowed))}."]},
        )


def _kind(kind: FieldKind) -> str:
    return kind.value.replace("_", " ")
