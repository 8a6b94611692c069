"""Notices what changed about the columns of a collection and suspends fields that lost their meaning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone

from integrations.capabilities import FieldKind, RemoteCollection, RemoteField, RemoteRecord
from integrations.models import FieldMapping, SyncedCollection
from integrations.sync.options import OptionProposal
from integrations.sync.problems import Problem
from integrations.sync.proposals import can_carry, option_proposals
from integrations.sync.schema_history import UNTITLED, note_schema_changes
from integrations.sync.stored_mapping import schema_to_json
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField

#: So long an import goes by the columns that were seen when its table was found.
COLUMNS_FRESH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Drift:
    """What happened to one mapping, with a sentence for a person."""

    mapping: FieldMapping
    code: str
    reason: str


def take_over_schema(collection: SyncedCollection, remote: RemoteCollection) -> list[Problem]:
    """Store the columns as they are now; suspend mappings whose column is gone or has another type.

    A renamed column or option keeps its id and changes nothing but the name shown; a new option of a mapped
    column is understood by its name. Call it inside a transaction. Returns what a person has to look at.
    """
    by_id = {field.id: field for field in remote.fields}
    note_schema_changes(collection, remote)
    mappings = list(collection.mappings.all())
    problems: list[Problem] = []
    changed: list[FieldMapping] = []
    has_new_meaning = False
    for mapping in mappings:
        field = by_id.get(mapping.remote_field_id)
        drift = _drift(mapping, field)
        if drift is not None:
            problems.append(Problem(drift.code, drift.reason, title=collection.title, url=collection.url))
            if mapping.state != FieldMapping.State.SUSPENDED:
                mapping.state, mapping.reason = FieldMapping.State.SUSPENDED, drift.reason
                changed.append(mapping)
                has_new_meaning = True
        elif field is not None:
            meaning = (mapping.state, mapping.option_values)
            if _follow(mapping, field):
                changed.append(mapping)
            has_new_meaning |= meaning != (mapping.state, mapping.option_values)
    FieldMapping.objects.bulk_update(changed, ["remote_field_name", "options", "state", "reason"])
    collection.mapping_revision += int(has_new_meaning)
    _describe(collection, remote)
    return problems


def needs_new_schema(mapping: CollectionMapping, records: Sequence[RemoteRecord]) -> bool:
    """Say whether records show that the columns are not what the mapping was made for."""
    return any(
        item.remote_id not in record.values or record.values[item.remote_id].kind is not item.kind
        for record in records[:1]
        for item in mapping.fields.values()
    )


def were_columns_just_seen(collection: SyncedCollection) -> bool:
    """Whether the columns were read a moment ago, when the table was found: an import may begin with its rows.

    Should they have changed since, the rows show it.
    """
    read_at = collection.schema_read_at
    has_title = any(field["kind"] == FieldKind.TITLE for field in collection.schema)
    is_fresh = read_at is not None and timezone.now() - read_at < COLUMNS_FRESH
    return is_fresh and has_title and collection.state == SyncedCollection.State.READY


def has_new_options(mapping: CollectionMapping, records: Sequence[RemoteRecord]) -> bool:
    """Say whether records hold options of a mapped column that nobody here has seen yet."""
    with_meaning = [item for item in mapping.fields.values() if item.options]
    return any(
        option.id not in item.options
        for record in records
        for item in with_meaning
        if (value := record.value(item.remote_id)) is not None
        for option in value.options
    )


def _drift(mapping: FieldMapping, field: RemoteField | None) -> Drift | None:
    ours = mapping.our_field.replace("_", " ")
    name = mapping.remote_field_name
    if field is None:
        return Drift(mapping, "field_removed", f"The column “{name}” for {ours} was removed.")
    if field.kind.value != mapping.remote_kind:
        usable = can_carry(OurField(mapping.our_field), field.kind)
        advice = "confirm it anew" if usable else "choose another column"
        kinds = f"{_kind(mapping.remote_kind)} and is {_kind(field.kind.value)} now"
        return Drift(mapping, "field_retyped", f"The column “{field.name}” for {ours} was {kinds}: {advice}.")
    return None


def _kind(kind: str) -> str:
    return "of an unknown type" if kind == FieldKind.UNKNOWN.value else f"a {kind.replace('_', ' ')} column"


def _follow(mapping: FieldMapping, field: RemoteField) -> bool:
    """Follow new names and options; says whether anything changed. A column that came back counts again."""
    before = (mapping.remote_field_name, mapping.options, mapping.state)
    mapping.remote_field_name = field.name
    mapping.options = merged_options(mapping, option_proposals(OurField(mapping.our_field), field))
    if mapping.state == FieldMapping.State.SUSPENDED:
        mapping.state, mapping.reason = FieldMapping.State.CONFIRMED, "The column is back."
    return before != (mapping.remote_field_name, mapping.options, mapping.state)


def merged_options(mapping: FieldMapping, proposals: Iterable[OptionProposal]) -> list[dict[str, object]]:
    """What the options mean: as decided before where the id is known, as proposed where it is new."""
    decided: Mapping[str, str] = mapping.option_values
    return [_merged(item, decided.get(item.option_id)) for item in proposals]


def _merged(item: OptionProposal, decided: str | None) -> dict[str, object]:
    is_own_choice = decided is not None and decided != item.value
    return {
        "id": item.option_id,
        "name": item.option_name,
        "value": item.value if decided is None else decided,
        "reason": "Chosen by hand." if is_own_choice else item.reason,
        "is_certain": item.is_certain or decided is not None,
    }


def _describe(collection: SyncedCollection, remote: RemoteCollection) -> None:
    collection.title, collection.url = remote.title or UNTITLED, remote.url
    collection.icon = remote.icon[:40]
    collection.container_id = remote.container_id
    collection.schema = schema_to_json(remote.fields)
    collection.schema_read_at = timezone.now()
    collection.save()
