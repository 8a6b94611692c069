"""Setting a workspace up, step by step: choose databases, confirm how each is read, try it, go."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from integrations.events import MappingConfirmed
from integrations.models import Connection, ExternalLink, SyncedCollection, SyncRun
from integrations.services import start_sync_run
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict, InvalidInput
from tenants.outbox.bus import publish
from tenants.tenancy import atomic, wait_for_turn

#: Whoever decides that a database is read, one after the other.
ONE_READER: Final = "integrations.one_reader"
_REHEARSED: Final = (SyncRun.State.SUCCEEDED, SyncRun.State.PARTIAL)


class SetUpStep(StrEnum):
    """Where somebody stands."""

    CHOOSE = "choose"
    MAP = "map"
    TRY = "try"
    GO = "go"


@dataclass(frozen=True, slots=True)
class SetUp:
    """How far the set-up of a workspace is; worked out from its databases, so it survives whoever began it.

    `rehearsal` is the last dry run since the mappings were confirmed, finished or not.
    """

    step: SetUpStep
    chosen: tuple[SyncedCollection, ...]
    rehearsal: SyncRun | None

    @property
    def next_to_confirm(self) -> SyncedCollection | None:
        """The first chosen database whose mapping nobody has confirmed."""
        return next((item for item in self.chosen if not is_confirmed(item)), None)

    @property
    def confirmed(self) -> tuple[SyncedCollection, ...]:
        """The chosen databases whose mapping is confirmed."""
        return tuple(item for item in self.chosen if is_confirmed(item))

    @classmethod
    def of(cls, collections: Sequence[SyncedCollection], rehearsal: SyncRun | None) -> Self:
        chosen = tuple(item for item in collections if item.is_chosen)
        revisions = {str(item.pk): item.mapping_revision for item in chosen}
        if rehearsal is not None and (rehearsal.plan or {}).get("revisions") != revisions:
            # It tried other databases, or other mappings.
            rehearsal = None
        if not chosen:
            step = SetUpStep.CHOOSE
        elif not all(is_confirmed(item) for item in chosen):
            step = SetUpStep.MAP
        elif rehearsal is None or rehearsal.state not in _REHEARSED:
            step = SetUpStep.TRY
        else:
            step = SetUpStep.GO
        return cls(step, chosen, rehearsal)


def set_up_of(connection: Connection) -> SetUp | None:
    """How far the set-up is; None once a database of the workspace is being read."""
    collections = list(
        SyncedCollection.objects.filter(connection=connection).order_by("-role", "title", "id")
    )
    if any(item.is_enabled or item.watermark is not None for item in collections):
        return None
    runs = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.DRY_RUN)
    return SetUp.of(collections, runs.exclude(state=SyncRun.State.CANCELLED).order_by("-id").first())


@atomic
def choose_collections(
    *, connection: Connection, collection_ids: Collection[UUID], actor: Actor
) -> list[SyncedCollection]:
    """Say which databases are to be read; nothing is read yet. What was confirmed before stays confirmed.

    Raises: Forbidden, InvalidInput (none, or one that is not shared), Conflict (the workspace is read already).
    """
    require(actor, "integrations.map", on=connection)
    Connection.objects.select_for_update().get(pk=connection.pk)
    if set_up_of(connection) is None:
        raise Conflict("This workspace is set up already: switch databases on and off on its page.")
    rows = SyncedCollection.objects.select_for_update(of=("self",)).filter(connection=connection)
    readable = {row.pk: row for row in rows if row.state != SyncedCollection.State.UNREADABLE}
    wanted = set(collection_ids)
    if not wanted:
        raise InvalidInput("Choose at least one database.", fields={"databases": ["Choose at least one."]})
    if not wanted <= readable.keys():
        raise InvalidInput(
            "One of these databases is not shared any more, or cannot be read. Look again.",
            fields={"databases": ["Choose among those that are shared."]},
        )
    for row in rows:
        row.is_chosen = row.pk in wanted
        row.save(update_fields=["is_chosen", "updated_at"])
    return [row for row in rows if row.is_chosen]


@atomic
def start_reading(*, connection: Connection, actor: Actor) -> SyncRun:
    """Go: the chosen databases are read from now on, and their first import begins.

    Raises: Forbidden, Conflict (set up already, a mapping is not confirmed, a dry run is under way, a database is read
    through another connection).
    """
    require(actor, "integrations.map", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    set_up = set_up_of(locked)
    if set_up is None:
        raise Conflict("This workspace is set up already.")
    if not set_up.chosen or set_up.next_to_confirm is not None:
        raise Conflict("Choose databases and confirm how each is read first.")
    wait_for_turn(ONE_READER)
    for collection in set_up.chosen:
        refuse_second_reading(collection)
        collection.is_enabled, collection.is_chosen = True, False
        collection.save(update_fields=["is_enabled", "is_chosen", "updated_at"])
        publish(MappingConfirmed(connection_id=locked.pk, collection_id=collection.pk))
    return start_sync_run(connection=locked, actor=actor, trigger=SyncRun.Trigger.CONNECT)


def refuse_second_reading(collection: SyncedCollection) -> None:
    """Each row is to become one task: a database is read through one connection of a company only.

    That of another counts while it is read there, and as long as its rows are tasks here. Inside a transaction that
    waits its turn (`ONE_READER`). Raises: Conflict.
    """
    others = (
        SyncedCollection.objects.filter(
            remote_id=collection.remote_id, connection__connector=collection.connection.connector
        )
        .exclude(connection_id=collection.connection_id)
        .select_related("connection")
    )
    is_read = Q(is_enabled=True) & ~Q(connection__state=Connection.State.DISCONNECTED)
    rows = ExternalLink.objects.filter(collection=OuterRef("pk"))
    has_rows = Exists(rows.exclude(task=None)) | Exists(rows.exclude(project=None))
    other = others.filter(is_read | has_rows).order_by("pk").first()
    if other is not None:
        raise Conflict(
            f"“{collection.title}” is read through another integration of “{other.connection.name}” already: its rows "
            "would come twice. Give that connection the token of this integration instead.",
            code="integrations.read_already",
            params={"connection_id": str(other.connection_id)},
        )


def is_confirmed(collection: SyncedCollection) -> bool:
    """Whether somebody has confirmed how it is read."""
    return collection.mapping_state == SyncedCollection.MappingState.CONFIRMED
