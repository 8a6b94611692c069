"""What tasks would change in their records if they were sent now: hundreds compared with a handful of statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from integrations.models import Conflict, Connection, ExternalLink, FieldMapping, SyncedCollection
from integrations.sync.body_pushing import body_is_dirty, writes_bodies
from integrations.sync.body_storing import agreed_bodies
from integrations.sync.canonical import compared_fields, local_values
from integrations.sync.carrying import carried_values, dirty_fields, held_fields
from integrations.sync.counterparts import counterparts_for
from integrations.sync.stored_mapping import collection_mapping
from integrations.sync.translate import CollectionMapping
from integrations.sync.vocabulary import OurField
from tasks.models import Task

#: So many tasks are compared at a time.
BATCH: Final = 500
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], 0)


@dataclass(frozen=True, slots=True)
class Compared:
    """A task and the record it is compared with; None for a record that is still to be made."""

    task_id: UUID
    link: ExternalLink | None


#: `[what is there, what it would be]` by our field.
type Fields = dict[str, list[Any]]


def mappings_of(connection: Connection, collection_ids: Iterable[UUID]) -> dict[UUID, CollectionMapping]:
    """How these collections are written, by id; two statements."""
    found = list(SyncedCollection.objects.filter(pk__in=list(collection_ids)))
    rows = list(FieldMapping.objects.filter(collection__in=found))
    return {
        item.pk: collection_mapping(
            item, [row for row in rows if row.collection_id == item.pk], source=connection.name
        )
        for item in found
    }


def differences(
    connection: Connection, collection_id: UUID, mapping: CollectionMapping, compared: Sequence[Compared]
) -> dict[UUID, Fields]:
    """What would be written of these tasks of one collection, by task; those in step are left out.

    Texts count where they are written there. Reads only, a fixed number of statements; inside a transaction.
    """
    local = local_values([item.task_id for item in compared], fields=compared_fields(mapping))
    counterparts = counterparts_for(connection, mapping, local.values())
    links = [item.link for item in compared if item.link is not None]
    opened: dict[UUID, set[str]] = {}
    rows = Conflict.objects.filter(link__in=[link.pk for link in links]).open()
    for link_id, our_field in rows.values_list("link_id", "our_field"):
        opened.setdefault(link_id, set()).add(our_field)
    found: dict[UUID, Fields] = {}
    for item in compared:
        values = local.get(item.task_id)
        if values is None:
            continue
        base = item.link.base if item.link is not None else None
        carried = carried_values(values, mapping, counterparts, base=base)
        if item.link is None:
            fields = {name: [None, value] for name, value in carried.items() if value not in _NOTHING}
        else:
            dirty = dirty_fields(carried, base, mapping, open_fields=opened.get(item.link.pk, set()))
            fields = {name.value: [(base or {}).get(name.value), carried[name.value]] for name in dirty}
        if fields:
            found[item.task_id] = fields
    for task_id, texts in _texts(connection, collection_id, mapping, links, opened).items():
        found.setdefault(task_id, {})[OurField.DESCRIPTION.value] = texts
    return found


def _texts(
    connection: Connection,
    collection_id: UUID,
    mapping: CollectionMapping,
    links: Sequence[ExternalLink],
    opened: Mapping[UUID, set[str]],
) -> dict[UUID, list[Any]]:
    """The texts that differ from what both sides had last, by task."""
    by_task = {link.task_id: link for link in links if link.state == ExternalLink.State.CLEAN}
    if not by_task or not writes_bodies(collection_id):
        return {}
    differing: dict[UUID, str] = {}
    for task_id, text in Task.objects.filter(pk__in=list(by_task)).values_list("pk", "description"):
        link = by_task[task_id]
        link.connection = connection
        is_held = OurField.DESCRIPTION.value in held_fields(opened.get(link.pk, set()), mapping)
        # Nothing was read yet, and there is nothing to say: the reading of texts comes first.
        is_unknown = not link.body_hash and not text.strip()
        if not is_held and not is_unknown and body_is_dirty(link, text):
            differing[task_id] = text
    agreed = agreed_bodies([by_task[task_id] for task_id in differing]) if differing else {}
    before = {pk: agreed.get(by_task[pk].pk) for pk in differing}
    return {pk: [known.text if (known := before[pk]) else None, text] for pk, text in differing.items()}
