"""Mappings and schemas between the tables and the values the engine works with."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from integrations.capabilities import FieldKind, OptionGroup, RemoteCollection, RemoteField, RemoteOption
from integrations.models import FieldMapping, SyncedCollection
from integrations.sync.translate import CollectionMapping, MappedField
from integrations.sync.vocabulary import OurField


def schema_to_json(fields: Iterable[RemoteField]) -> list[dict[str, Any]]:
    """The columns of a collection as they are kept in `SyncedCollection.schema`."""
    return [asdict(field) for field in fields]


def schema_from_json(rows: Sequence[dict[str, Any]]) -> tuple[RemoteField, ...]:
    """The columns of a collection from `SyncedCollection.schema`."""
    return tuple(
        RemoteField(
            id=row["id"],
            name=row["name"],
            kind=FieldKind(row["kind"]),
            remote_type=row["remote_type"],
            options=tuple(_option(option) for option in row["options"]),
            related_collection_id=row["related_collection_id"],
        )
        for row in rows
    )


def _option(row: dict[str, Any]) -> RemoteOption:
    group = OptionGroup(row["group"]) if row["group"] else None
    return RemoteOption(id=row["id"], name=row["name"], color=row["color"], group=group)


def remote_collection(collection: SyncedCollection) -> RemoteCollection:
    """The collection as the service last described it."""
    return RemoteCollection(
        id=collection.remote_id,
        container_id=collection.container_id,
        title=collection.title,
        url=collection.url,
        icon=collection.icon,
        fields=schema_from_json(collection.schema),
    )


def collection_mapping(
    collection: SyncedCollection, mappings: Iterable[FieldMapping], *, source: str
) -> CollectionMapping:
    """How the engine reads a collection: its mappings without those that are suspended."""
    fields = {
        OurField(row.our_field): MappedField(
            our_field=OurField(row.our_field),
            remote_id=row.remote_field_id,
            kind=FieldKind(row.remote_kind),
            options=row.option_values,
            option_names={str(item["id"]): str(item["name"]) for item in row.options},
            doubtful=frozenset(str(item["id"]) for item in row.options if not item.get("is_certain", True)),
            related_collection_id=row.related_collection_id,
            direction=row.direction,
            policy=row.policy,
        )
        for row in mappings
        if row.state != FieldMapping.State.SUSPENDED
    }
    return CollectionMapping(
        collection_id=collection.remote_id,
        revision=f"{collection.pk}:{collection.mapping_revision}",
        fields=fields,
        source=source,
        department_name=collection.department_name,
    )


def stamp_of(collection: SyncedCollection) -> str:
    """What a collection's mapping is known by: another as soon as anybody decides, or a column goes, and else the same.

    Inside a transaction.
    """
    return stamp(collection, FieldMapping.objects.filter(collection=collection))


def stamp(collection: SyncedCollection, rows: Iterable[FieldMapping], **decided: Any) -> str:
    """The stamp a collection would have with these rows and, `decided`, other values of its own."""
    names = ("role", "department_name", "takes_new_tasks", "trashes_records")
    own = [decided.get(name, getattr(collection, name)) for name in names]
    lines = sorted(
        (
            row.our_field,
            row.remote_field_id,
            row.direction,
            row.policy,
            row.state,
            *sorted(row.option_values.items()),
        )
        for row in rows
    )
    whole = [own, lines]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:32]
