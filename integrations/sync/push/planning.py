"""Which values of a task are to be written to its record, and which of them must not leave the house."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from integrations.capabilities import READ_ONLY_KINDS, RemoteValue
from integrations.models import Conflict, ExternalLink, Push, SyncedCollection
from integrations.sync.canonical import Values, compared_fields, is_empty, local_values
from integrations.sync.carrying import carried_values, dirty_fields
from integrations.sync.counterparts import Counterparts, counterparts_for
from integrations.sync.merge import Direction
from integrations.sync.outgoing import NotCarried, Outgoing, outgoing_values
from integrations.sync.push import refusals
from integrations.sync.push.refusals import Refusal
from integrations.sync.push.writer import Writer, columns_of
from integrations.sync.stored_mapping import schema_from_json
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField

#: A task without a title of its own cannot become a record.
_NEEDED: Final = OurField.TITLE


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send of one task: `sent` as we compare it, `values` as the record takes it, by column.

    `refusals` are values that stay here because the service would refuse them; the others go without them.
    """

    sent: Values = field(default_factory=dict)
    values: Mapping[str, RemoteValue] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    not_carried: tuple[NotCarried, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.values


def plan_update(writer: Writer, push: Push, link: ExternalLink) -> Plan:
    """What differs from what both sides agreed on, without fields somebody has to decide about; in a transaction."""
    mapping = writer.mapping(push.collection)
    local = _local(push, mapping)
    if local is None:
        return Plan()
    counterparts = counterparts_for(writer.connection, mapping, [local])
    carried = carried_values(local, mapping, counterparts, base=link.base)
    open_fields = Conflict.objects.filter(link=link).open().values_list("our_field", flat=True)
    dirty = dirty_fields(carried, link.base, mapping, open_fields=set(open_fields))
    return _checked(writer, push.collection, mapping, dirty, local, counterparts, link=link)


def plan_create(writer: Writer, push: Push) -> Plan:
    """Everything a new record can be filled with; in a transaction."""
    mapping = writer.mapping(push.collection)
    local = _local(push, mapping)
    if local is None:
        return Plan()
    counterparts = counterparts_for(writer.connection, mapping, [local])
    carried = carried_values(local, mapping, counterparts)
    fields = [
        item
        for item in compared_fields(mapping)
        if item.value in carried
        and not is_empty(carried[item.value])
        and (column := mapping.column_of(item)) is not None
        and column.direction != Direction.IN.value
    ]
    if _NEEDED not in fields:
        detail = "The title of new tasks has no column to go to."
        return Plan(refusals=(Refusal(refusals.UNWRITABLE, detail, "title"),))
    return _checked(writer, push.collection, mapping, fields, local, counterparts)


def _local(push: Push, mapping: CollectionMapping) -> Values | None:
    return local_values([push.task_id], fields=compared_fields(mapping)).get(push.task_id)


def _checked(
    writer: Writer,
    collection: SyncedCollection,
    mapping: CollectionMapping,
    fields: Collection[OurField],
    local: Values,
    counterparts: Counterparts,
    *,
    link: ExternalLink | None = None,
) -> Plan:
    """Leave out what the service fills in itself, and set aside what it would refuse."""
    columns = columns_of(collection)
    writable = [
        item
        for item in fields
        if (column := mapping.column_of(item)) is not None and column.kind not in READ_ONLY_KINDS
    ]

    def put(chosen: Collection[OurField]) -> Outgoing:
        return outgoing_values(
            chosen, local, mapping, counterparts, base=link.base if link else None,
            kept=link.kept if link else None, schema=schema_from_json(collection.schema),
        )  # fmt: skip

    outgoing = put(writable)
    problems = list(writer.sink.check(columns, outgoing.values))
    if problems:
        bad = {problem.field_id for problem in problems}
        is_about_all = bad - set(outgoing.values)
        writable = [] if is_about_all else [item for item in writable if _column_id(mapping, item) not in bad]
        outgoing = put(writable)
    return Plan(
        sent=outgoing.sent,
        values=outgoing.values,
        refusals=tuple(refusals.of_problem(problem) for problem in problems),
        not_carried=outgoing.not_carried,
    )


def _column_id(mapping: CollectionMapping, our_field: OurField) -> str:
    column = mapping.column_of(our_field)
    return column.remote_id if column is not None else ""
