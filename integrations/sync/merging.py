"""Brings what was read and what is here together, record by record: decides, and writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from integrations.models import Connection, ExternalLink
from integrations.sync.canonical import (
    RELATIONS,
    Canonical,
    Spelling,
    Values,
    compared_fields,
    incoming_values,
    is_empty,
    local_values,
)
from integrations.sync.carrying import carried_values, dirty_fields, strings
from integrations.sync.counterparts import counterparts_for
from integrations.sync.links import lock_bases
from integrations.sync.local_edits import local_edit_times
from integrations.sync.merge import (
    UNKNOWN,
    Direction,
    Merged,
    Outcome,
    Policy,
    Sides,
    merge_default,
    merge_field,
)
from integrations.sync.translate import CollectionMapping, Translation
from integrations.sync.vocabulary import OurField
from tasks.drafts import UNSET, TaskDraft
from tasks.models import Task

#: Which fields of a draft make up one of ours.
_DRAFTED: Final[Mapping[OurField, tuple[str, ...]]] = {
    OurField.TITLE: ("title",),
    OurField.STATUS: ("status",),
    OurField.PRIORITY: ("priority",),
    OurField.DESCRIPTION: ("description",),
    OurField.ASSIGNEES: ("assignee_ids",),
    OurField.DUE: ("due_on", "due_at"),
    OurField.START: ("start_on",),
    OurField.COMPLETED: ("completed_at",),
    OurField.ESTIMATE: ("estimate_hours",),
    OurField.TAGS: ("tags",),
    OurField.DEPARTMENT: ("department_name",),
    OurField.PROJECT: ("project_name",),
}
_LISTS: Final = frozenset({OurField.ASSIGNEES.value, OurField.TAGS.value})


@dataclass(frozen=True, slots=True)
class MergedRecord:
    """What becomes of one record: the draft with what is taken and nothing else, and what both sides then know.

    `local` is the task before, `incoming` what was read, `agreed` the base before and `base` the one after. `after` are
    the fields that change here, with their new values. `merged` has every field both sides said something about;
    nothing in it for a record that is new here. `has_to_send` says whether something here is to be written there.
    """

    link: ExternalLink
    draft: TaskDraft
    local: Values
    incoming: Values
    merged: Mapping[str, Merged]
    after: Values
    agreed: Values
    base: Values
    local_times: Mapping[str, datetime] = field(default_factory=dict)
    is_new: bool = False
    has_to_send: bool = False

    @property
    def conflicts(self) -> dict[str, Merged]:
        return {name: item for name, item in self.merged.items() if item.is_conflict}

    @property
    def changes(self) -> dict[str, list[Canonical]]:
        """What changes here: `[before, after]` by our field."""
        return {name: [self.local.get(name), value] for name, value in self.after.items()}


@dataclass(frozen=True, slots=True)
class Pair:
    """A record and its task, in comparable form."""

    link: ExternalLink
    draft: TaskDraft
    local: Values
    carried: Values
    incoming: Values
    base: Values


def merge_records(
    connection: Connection,
    mapping: CollectionMapping,
    records: Sequence[tuple[ExternalLink, Translation]],
) -> list[MergedRecord]:
    """Decide about the records of a page; their tasks stay locked until the transaction ends.

    A record that is new here is taken as a whole, whatever the directions say: the task is born from it. Half a dozen
    statements for those that are known, two for those that are not.
    """
    spelling = Spelling.of(translation for _, translation in records)
    known = [link for link, _ in records if link.task_id is not None]
    fields = [item for item in compared_fields(mapping) if item not in RELATIONS]
    locals_ = locked_values([link.task_id for link in known if link.task_id], fields)
    lock_bases(known)
    counterparts = counterparts_for(connection, mapping, locals_.values())
    edited = local_edit_times([link.task_id for link in known if link.task_id and link.base is None])
    fresh: dict[UUID, MergedRecord] = {}
    pairs: list[Pair] = []
    for link, translation in records:
        local = locals_.get(link.task_id) if link.task_id is not None else None
        is_done = local is not None and local.get(OurField.STATUS.value) == Task.Status.DONE
        incoming = incoming_values(translation, mapping, spelling=spelling, is_done=is_done)
        if local is None or link.task_id is None:
            after = {name: value for name, value in incoming.items() if not is_empty(value)}
            fresh[link.pk] = MergedRecord(
                link, translation.draft, {}, incoming, {}, after, {}, incoming, is_new=True
            )
            continue
        carried = carried_values(local, mapping, counterparts, base=link.base)
        base = link.base
        if base is None:
            base = assumed_base(carried, incoming, edited[link.task_id], since=link.synced_at)
        pairs.append(Pair(link, translation.draft, local, carried, incoming, base))
    told = {item.link.pk: item for item in decided(pairs, mapping)} | fresh
    return [told[link.pk] for link, _ in records]


def merge_values(
    base: Values,
    carried: Values,
    incoming: Values,
    mapping: CollectionMapping,
    *,
    local_times: Mapping[str, datetime] | None = None,
    remote_at: datetime | None = None,
) -> dict[str, Merged]:
    """Merge every field both sides say something about, by its own direction and policy."""
    merged: dict[str, Merged] = {}
    for our_field in compared_fields(mapping):
        name, column = our_field.value, mapping.column_of(our_field)
        if name not in incoming or name not in carried:
            continue
        sides = Sides(
            our_field=our_field,
            base=base.get(name, UNKNOWN),
            local=carried[name],
            remote=incoming[name],
            local_changed_at=(local_times or {}).get(name),
            remote_changed_at=remote_at,
        )
        if column is None:
            merged[name] = merge_default(sides)
            continue
        merged[name] = merge_field(sides, policy=Policy(column.policy), direction=Direction(column.direction))
    return merged


def assumed_base(
    carried: Values, incoming: Values, edited: Mapping[str, datetime], *, since: datetime | None
) -> Values:
    """What both sides agreed on in a link of before, which says nothing about it.

    What was edited here since the record was last read counts as our edit, anything else as theirs.
    """
    return {
        name: value
        if (at := edited.get(name)) is not None and (since is None or at > since)
        else carried.get(name, value)
        for name, value in incoming.items()
    }


def base_after(base: Values, merged: Mapping[str, Merged]) -> Values:
    """What both sides know of from now on; a field that waits keeps what it had, or stays unknown."""
    known = {name: item.base for name, item in merged.items() if item.base is not UNKNOWN}
    return {**base, **known}


def locked_values(task_ids: Collection[UUID], fields: Sequence[OurField]) -> dict[UUID, Values]:
    """The tasks as they are, locked first: an edit made meanwhile waits, and is compared the next time."""
    if not task_ids:
        return {}
    list(
        Task.objects.filter(pk__in=list(task_ids))
        .select_for_update(no_key=True)
        .order_by("pk")
        .values_list("pk")
    )
    return local_values(task_ids, fields=fields)


def decided(pairs: Sequence[Pair], mapping: CollectionMapping) -> list[MergedRecord]:
    """Decide about each pair; when a field was edited here is asked only for those in conflict."""
    merged = [_merged(pair, mapping, {}) for pair in pairs]
    disputed = {
        pair.draft.id
        for pair, fields in zip(pairs, merged, strict=True)
        if any(item.is_conflict for item in fields.values())
    }
    times = local_edit_times(disputed)
    found: list[MergedRecord] = []
    for pair, first in zip(pairs, merged, strict=True):
        edited = times.get(pair.draft.id, {})
        found.append(_record(pair, _merged(pair, mapping, edited) if edited else first, mapping, edited))
    return found


def _merged(pair: Pair, mapping: CollectionMapping, times: Mapping[str, datetime]) -> dict[str, Merged]:
    return merge_values(
        pair.base,
        pair.carried,
        pair.incoming,
        mapping,
        local_times=times,
        remote_at=pair.link.remote_edited_at,
    )


def _record(
    pair: Pair, merged: Mapping[str, Merged], mapping: CollectionMapping, times: Mapping[str, datetime]
) -> MergedRecord:
    taken = {
        name: item.value for name, item in merged.items() if item.outcome in {Outcome.TAKE, Outcome.MERGE}
    }
    names = {item.value for item in compared_fields(mapping)}
    agreed = {name: value for name, value in pair.base.items() if name in names}
    base = base_after(agreed, merged)
    waiting = [name for name, item in merged.items() if item.outcome is Outcome.WAIT]
    dirty = dirty_fields({**pair.carried, **taken}, base, mapping, open_fields=waiting)
    after = {
        name: sorted({*strings(value), *_beside(pair, name)}) if name in _LISTS else value
        for name, value in taken.items()
    }
    return MergedRecord(
        link=pair.link,
        draft=_pruned(pair, after, is_edited_here=bool(dirty)),
        local=pair.local,
        incoming=pair.incoming,
        merged=merged,
        after=after,
        agreed=pair.base,
        base=base,
        local_times=times,
        has_to_send=bool(dirty),
    )


def _beside(pair: Pair, name: str) -> set[str]:
    """What a record there cannot hold: it stays here, whatever is taken."""
    return set(strings(pair.local.get(name))) - set(strings(pair.carried.get(name)))


def _pruned(pair: Pair, after: Values, *, is_edited_here: bool) -> TaskDraft:
    """The draft without what is not taken."""
    changes: dict[str, Any] = {
        attribute: UNSET
        for our_field, attributes in _DRAFTED.items()
        if our_field.value not in after
        for attribute in attributes
    }
    if OurField.ASSIGNEES.value in after:
        changes["assignee_ids"] = tuple(UUID(item) for item in strings(after[OurField.ASSIGNEES.value]))
    if OurField.TAGS.value in after:
        changes["tags"] = tuple(strings(after[OurField.TAGS.value]))
    if is_edited_here:
        # The record was not edited last: then it is today's change.
        changes["updated_at"] = UNSET
    return replace(pair.draft, **changes)
