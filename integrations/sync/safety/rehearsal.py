"""Tries every piece a run would write, keeps what it would have changed, and takes it back at once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from integrations.models import Connection, ExternalLink, Push, SyncChange, SyncedCollection, SyncRun
from integrations.sync.conflicts.wording import Wording, values_of
from integrations.sync.differences import BATCH, Compared, differences
from integrations.sync.relations import resolve_links
from integrations.sync.session import SyncSession
from integrations.sync.translate import CollectionMapping
from tenants.foundation.ids import uuid7
from tenants.tenancy import atomic
from tenants.tenancy.transactions import current_alias

#: So many changes are kept for the plan to show; beyond them it counts.
MOST_SHOWN: Final = 2000
_THERE: Final = {
    Push.Kind.CREATE: SyncChange.Action.CREATED,
    Push.Kind.UPDATE: SyncChange.Action.UPDATED,
    Push.Kind.TRASH: SyncChange.Action.ARCHIVED,
    Push.Kind.RESTORE: SyncChange.Action.RESTORED,
}


_NO_NAMES: Final[Mapping[str, str]] = {}


class Rehearsal:
    """The caution of a dry run: the engine's own code runs, in transactions that are undone.

    Only what the run notes about itself lasts: its counts, its problems, and the changes it would have made, as
    `SyncChange`s that are planned.
    """

    is_tripped = False

    def __init__(self, mappings: Mapping[UUID, CollectionMapping], *, keeps_place: bool = True) -> None:
        self._mappings = mappings
        self._keeps_place = keeps_place
        self._sent: set[UUID] = set()
        #: The records that came, by collection: what is missing among them would be looked for.
        self.seen: set[str] = set()

    @contextmanager
    def around(self, session: SyncSession) -> Iterator[None]:
        began = timezone.now()
        session.journal.begin_trying()
        try:
            with atomic():
                yield
                planned = self.collect(session, began)
                names = Wording.of((), *values_of(planned)).names
                transaction.set_rollback(True, using=current_alias())
        except BaseException:
            session.journal.stop_trying()
            raise
        with atomic():
            session.hold()
            self.keep(session, planned, names)
            if any(_is_unread_projects(part.collection) for part in session.parts):
                # The projects were read a moment ago, and taken back with everything else.
                session.journal.forget("unknown_project")
            session.journal.catch_up(with_place=self._keeps_place)

    def release(self, session: SyncSession) -> None:
        """A dry run goes on where it stood; nothing is to be put back."""

    def keep(
        self, session: SyncSession, planned: Sequence[SyncChange], names: Mapping[str, str] = _NO_NAMES
    ) -> None:
        """Count changes in the plan of the run, and save them as planned, up to as many as anybody would read.

        `names` are those of people and tasks that will not be here any more when somebody reads the plan.
        """
        plan = dict(session.run.plan or {})
        tally: Counter[str] = Counter(plan.get("tally", {}))
        kept = sum(tally.values())
        tally.update(f"{change.collection_id}/{change.side}/{change.action}" for change in planned)
        shown = planned[: max(0, MOST_SHOWN - kept)]
        known = {**plan.get("names", {}), **names} if shown else plan.get("names", {})
        session.run.plan = plan | {"tally": dict(tally), "names": known}
        session.run.save(update_fields=["plan", "updated_at"])
        for change in shown:
            change.id, change.is_planned = uuid7(), True
        SyncChange.objects.bulk_create(shown)

    def waiting_pushes(self, session: SyncSession) -> list[SyncChange]:
        """What waits to be sent there and is not in the plan yet; reads only."""
        with atomic():
            pushes = Push.objects.filter(connection=session.connection, state=Push.State.WAITING)
            unsent = pushes.exclude(task_id__in=self._sent).select_related("task", "link")
            return self.outgoing(session.connection, session.run, unsent)

    def collect(self, session: SyncSession, began: datetime) -> list[SyncChange]:
        """What the piece under way has changed since it began, its relations included; inside its transaction."""
        self._connect(session, began)
        return self._changes_of(session, began)

    def _connect(self, session: SyncSession, began: datetime) -> None:
        """Set the parents and dependencies of what came with this piece, as the run does when all is read."""
        links = ExternalLink.objects.filter(
            connection=session.connection, task__isnull=False, synced_at__gte=began
        )
        found = list(links.exclude(unresolved={}).select_related("collection"))
        if found:
            resolve_links(session, found, self._mappings)

    def _changes_of(self, session: SyncSession, began: datetime) -> list[SyncChange]:
        # What the run has written before the brake was pulled is no plan any more.
        written = SyncChange.objects.filter(run=session.run, is_planned=False, at__gte=began)
        here = list(written.order_by("id"))
        pushes = Push.objects.filter(connection=session.connection, updated_at__gte=began)
        changed = pushes.select_related("task", "link")
        return _joined(here) + self.outgoing(session.connection, session.run, changed)

    def outgoing(self, connection: Connection, run: SyncRun, pushes: Iterable[Push]) -> list[SyncChange]:
        """What these pushes would write there, not saved; reads only, a few statements for hundreds of them."""
        wanted = list(pushes)
        fields: dict[UUID, dict[str, Any]] = {}
        for start in range(0, len(wanted), BATCH):
            fields |= self._fields_of(connection, wanted[start : start + BATCH])
        rows: list[SyncChange] = []
        for push in wanted:
            if push.pk not in fields and push.kind == Push.Kind.UPDATE:
                continue
            self._sent.add(push.task_id)
            rows.append(planned_change(run, push, fields.get(push.pk, {})))
        return rows

    def _fields_of(self, connection: Connection, pushes: Sequence[Push]) -> dict[UUID, dict[str, Any]]:
        """What each push would write, by push; one that would write nothing is left out."""
        by_collection: dict[UUID, list[Push]] = defaultdict(list)
        for push in pushes:
            if push.kind not in {Push.Kind.TRASH, Push.Kind.RESTORE}:
                by_collection[push.collection_id].append(push)
        found: dict[UUID, dict[str, Any]] = {}
        for collection_id, group in by_collection.items():
            mapping = self._mappings.get(collection_id)
            if mapping is None:
                continue
            compared = [Compared(push.task_id, push.link) for push in group]
            differing = differences(connection, collection_id, mapping, compared)
            found |= {push.pk: differing[push.task_id] for push in group if push.task_id in differing}
        return found


def planned_change(run: SyncRun, push: Push, fields: dict[str, Any]) -> SyncChange:
    """What a push would do there, not saved; the task comes with the push."""
    return SyncChange(
        run=run,
        collection_id=push.collection_id,
        link_id=push.link_id,
        task_id=push.task_id,
        title=push.task.title[:200],
        side=SyncChange.Side.THERE,
        action=_THERE[Push.Kind(push.kind)],
        fields=fields,
    )


def _joined(changes: Sequence[SyncChange]) -> list[SyncChange]:
    """One line a record: its values and its relations were written one after the other."""
    by_record: dict[tuple[object, ...], SyncChange] = {}
    for change in changes:
        key = (change.link_id, change.task_id, change.project_id, change.side)
        first = by_record.setdefault(key, change)
        if first is not change:
            first.fields = {**first.fields, **change.fields}
    return list(by_record.values())


def _is_unread_projects(collection: SyncedCollection) -> bool:
    return collection.role == SyncedCollection.Role.PROJECTS and collection.last_read_at is None


def planned_names(run: SyncRun) -> dict[str, str]:
    """The names of people and tasks that were only there while a plan was made, by id."""
    names: dict[str, str] = (run.plan or {}).get("names", {})
    return names


def planned_numbers(run: SyncRun) -> dict[tuple[UUID, str, str], int]:
    """How many changes a plan holds, by collection, side and action."""
    tally = (run.plan or {}).get("tally", {})
    found: dict[tuple[UUID, str, str], int] = {}
    for key, count in tally.items():
        collection_id, side, action = str(key).split("/")
        found[UUID(collection_id), side, action] = int(count)
    return found
