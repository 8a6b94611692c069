"""What a worker holds while it sends changes: a way to write, a run of its own, and the mappings it writes by."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from integrations.capabilities import RemoteField, TaskSink
from integrations.models import Connection, FieldMapping, Push, SyncedCollection, SyncRun, SyncRunCollection
from integrations.sync.guarded_sink import open_sink
from integrations.sync.journal import Journal
from integrations.sync.limiter import Lane
from integrations.sync.page import PageContext
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession, open_source
from integrations.sync.stored_mapping import collection_mapping, schema_from_json
from integrations.sync.translate import CollectionMapping
from tenants.tenancy import atomic


@dataclass
class Writer:
    """One worker's means to write to one connection, under the lease of the session it was opened from.

    Its run is saved with the first thing that was sent, and it is over then: whoever looks at it sees what happened
    so far, and a killed worker leaves nothing open.
    """

    session: SyncSession
    sink: TaskSink
    _mappings: dict[UUID, CollectionMapping] = field(default_factory=dict)
    _parts: dict[UUID, SyncRunCollection] = field(default_factory=dict)
    _sending_id: UUID | None = None

    @contextmanager
    def sending(self, push_id: UUID) -> Iterator[None]:
        """While the write of this push is tried: `before_attempt` says of it when the last attempt left."""
        self._sending_id = push_id
        try:
            yield
        finally:
            self._sending_id = None

    def before_attempt(self) -> None:
        """Make sure that the connection stays ours while a write is under way, and note that one is.

        Outside a transaction. Raises: LeaseLost: another worker may be looking for what this one would make.
        """
        with atomic():
            self.session.hold()
            if self._sending_id is not None:
                under_way = Push.objects.filter(pk=self._sending_id, state=Push.State.SENDING)
                under_way.update(sent_at=timezone.now())

    @property
    def run(self) -> SyncRun:
        return self.session.run

    @property
    def connection(self) -> Connection:
        return self.session.connection

    def mapping(self, collection: SyncedCollection) -> CollectionMapping:
        """How the collection is written; inside a transaction."""
        if collection.pk not in self._mappings:
            rows = FieldMapping.objects.filter(collection=collection)
            self._mappings[collection.pk] = collection_mapping(collection, rows, source=self.connection.name)
        return self._mappings[collection.pk]

    def forget(self, collection: SyncedCollection) -> None:
        """The columns were read anew: what is remembered of them does not count any more."""
        self._mappings.pop(collection.pk, None)

    def context(self, collection: SyncedCollection) -> PageContext:
        """The frame in which a reply of this collection is taken over; inside a transaction."""
        part = self._parts.get(collection.pk)
        if part is None:
            part = SyncRunCollection(
                run=self.run,
                collection=collection,
                place=len(self._parts),
                state=SyncRunCollection.State.DONE,
            )
            self._parts[collection.pk] = part
            self.session.parts.append(part)
            if not self.run._state.adding:
                part.save(force_insert=True)
        part.collection = collection
        return PageContext(self.session, part, self.mapping(collection))

    def count(self, *, pushed: int = 0, failed: int = 0) -> None:
        """Note that something was sent, or refused; inside a transaction."""
        run = self.run
        run.pushed += pushed
        run.failed += failed
        self.save_run()

    def note(self, problem: Problem, collection: SyncedCollection) -> None:
        """Group a refusal with its like on the page of the run; inside a transaction."""
        self.session.journal.note(problem, collection)
        self.session.journal.flush()

    def save_run(self) -> None:
        """Write the run as it stands; inside a transaction."""
        run = self.run
        run.calls += self.session.guard.take_count()
        run.state = SyncRun.State.PARTIAL if run.failed else SyncRun.State.SUCCEEDED
        run.phase, run.finished_at = SyncRun.Phase.FINISHED, timezone.now()
        self.session.journal.save_run()
        run.save()

    def close(self) -> None:
        """Take the last calls into account; outside a transaction."""
        guard = self.session.guard
        with atomic():
            if not self.run._state.adding:
                self.save_run()
                calls = self.run.calls
            else:
                # Looked something up and found nothing to do: the calls count all the same.
                calls = guard.take_count()
            if calls:
                Connection.objects.filter(pk=self.connection.pk).update(calls_total=F("calls_total") + calls)
        guard.write_tally()


def open_writer(session: SyncSession, *, lane: Lane) -> Writer:
    """Open a writer beside a session that holds the connection. Call it outside a transaction.

    Raises: NotConnected, NotFound (the connector writes no tasks).
    """
    connection = session.connection
    opened = open_source(connection, lane=lane)
    now = timezone.now()
    run = SyncRun(
        connection=connection, kind=SyncRun.Kind.PUSH, trigger=SyncRun.Trigger.EDIT, state=SyncRun.State.RUNNING,
        created_at=now, started_at=now,
    )  # fmt: skip
    parts: list[SyncRunCollection] = []
    own = replace(
        session, run=run, parts=parts, source=opened.source, guard=opened.guard, journal=Journal(run, parts),
        needs_relations=False, strikes=0, touched_ids=set(), linked_refs=set(), began_at=now, changes_noted=0,
        # What a reply says is nothing the other run has read: it neither counts nor waits with that.
        caution=None,
    )  # fmt: skip

    def before_attempt() -> None:
        writer.before_attempt()

    writer = Writer(own, open_sink(connection, opened.guard, before_attempt=before_attempt))
    return writer


def columns_of(collection: SyncedCollection) -> dict[str, RemoteField]:
    """The columns of a collection by id, as last seen."""
    return {column.id: column for column in schema_from_json(collection.schema)}
