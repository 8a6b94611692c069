"""Finds what is shared with an integration and notes how each new collection could be read."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import structlog
from django.utils import timezone

from integrations.capabilities import RemoteCollection
from integrations.models import Connection, FieldMapping, SyncedCollection
from integrations.sync.limiter import Lane
from integrations.sync.options import OptionProposal
from integrations.sync.proposals import FieldProposal, find_projects, propose_mapping
from integrations.sync.schema_history import UNTITLED, note_schema_changes, note_title_change
from integrations.sync.session import open_source
from integrations.sync.stored_mapping import schema_to_json
from tenants.accounts.access import Actor, require
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_MAX_PAGES: Final = 50


def discover_collections(*, connection: Connection, actor: Actor) -> list[SyncedCollection]:
    """Look for what is shared and propose how to read what is new; call it outside a transaction.

    One call for each hundred collections. What was confirmed before stays as it is. An empty list means that
    nothing is shared yet. Raises: Forbidden, Conflict (no token), ExternalServiceError, LimitReached.
    """
    with atomic():
        require(actor, "integrations.connect", on=connection)
    opened = open_source(connection, lane=Lane.INTERACTIVE)
    found: dict[str, RemoteCollection] = {}
    cursor: str | None = None
    for _ in range(_MAX_PAGES):
        page = opened.source.collections(cursor=cursor)
        found |= {item.id: item for item in page.collections if not item.is_trashed}
        if page.next_cursor is None or page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    return note_collections(connection, tuple(found.values()), calls=opened.guard.take_count())


@atomic
def note_collections(
    connection: Connection, found: Sequence[RemoteCollection], *, calls: int = 0
) -> list[SyncedCollection]:
    """Store collections as the service describes them, with proposals for those nobody has decided about."""
    project_ids = find_projects(found)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    known = {row.remote_id: row for row in SyncedCollection.objects.filter(connection=locked)}
    for item in found:
        collection = known.get(item.id) or SyncedCollection(connection=locked, remote_id=item.id)
        _note_collection(collection, item, project_ids)
    locked.calls_total += calls
    locked.save(update_fields=["calls_total", "updated_at"])
    if not found and not known:
        log.info("connection.nothing_shared", connection_id=locked.pk)
    return list(SyncedCollection.objects.filter(connection=locked).prefetch_related("mappings"))


def _note_collection(
    collection: SyncedCollection, remote: RemoteCollection, project_ids: Collection[str]
) -> None:
    is_decided = collection.mapping_state == SyncedCollection.MappingState.CONFIRMED
    if is_decided:
        note_title_change(collection, remote)  # its columns are compared when they are stored
    else:
        note_schema_changes(collection, remote)
    collection.container_id, collection.url = remote.container_id, remote.url
    collection.title, collection.icon = remote.title or UNTITLED, remote.icon[:40]
    if not is_decided:
        proposal = propose_mapping(remote, project_ids=project_ids)
        collection.schema, collection.schema_read_at = schema_to_json(remote.fields), timezone.now()
        collection.role, collection.role_reason = proposal.role, proposal.reason
        collection.mapping_state = SyncedCollection.MappingState.PROPOSED
        collection.state, collection.state_reason = SyncedCollection.State.READY, ""
        if proposal.problem:
            collection.state, collection.state_reason = SyncedCollection.State.UNREADABLE, proposal.problem
            collection.role = SyncedCollection.Role.OTHER
    elif collection.state == SyncedCollection.State.LOST:
        collection.state, collection.state_reason = SyncedCollection.State.READY, ""
    collection.save()
    if not is_decided:
        FieldMapping.objects.filter(collection=collection).delete()
        FieldMapping.objects.bulk_create(_proposed_row(collection, item) for item in proposal.fields)


def _proposed_row(collection: SyncedCollection, proposal: FieldProposal) -> FieldMapping:
    remote = proposal.remote_field
    return FieldMapping(
        collection=collection,
        our_field=proposal.our_field.value,
        remote_field_id=remote.id,
        remote_field_name=remote.name,
        remote_kind=remote.kind.value,
        related_collection_id=remote.related_collection_id,
        options=stored_options(proposal.options, {}),
        state=FieldMapping.State.PROPOSED,
        reason=proposal.reason,
        score=proposal.score,
    )


def stored_options(proposals: Sequence[OptionProposal], chosen: Mapping[str, str]) -> list[dict[str, object]]:
    """What options mean, as a mapping keeps it: as chosen, else as proposed."""
    return [
        {
            "id": item.option_id,
            "name": item.option_name,
            "value": chosen.get(item.option_id, item.value),
            "reason": item.reason
            if chosen.get(item.option_id, item.value) == item.value
            else "Chosen by hand.",
            "is_certain": item.is_certain or item.option_id in chosen,
        }
        for item in proposals
    ]
