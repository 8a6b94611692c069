"""The brake: a run that would change unusually many records stops before it does, and asks."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from integrations.models import ExternalLink, SyncChange, SyncRun
from integrations.sync.journal import COUNTED, PLACE
from integrations.sync.safety.rehearsal import Rehearsal
from integrations.sync.session import SyncSession
from integrations.sync.translate import CollectionMapping
from tenants.tenancy import atomic
from tenants.tenancy.transactions import current_alias

log = structlog.get_logger(__name__)

#: Runs nobody has asked for by saying what is to change. A first import makes; a new mapping was decided by a person.
BRAKED: Final = (SyncRun.Kind.POLL, SyncRun.Kind.FULL, SyncRun.Kind.EVENTS)
#: A fifth of a handful is no mass.
FLOOR: Final = 20
_COUNTED: Final = (SyncChange.Action.UPDATED, SyncChange.Action.ARCHIVED)
_MARKS: Final = (*COUNTED, *PLACE)

type Mappings = Mapping[UUID, CollectionMapping]


def is_mass(changed: int, linked: int) -> bool:
    """Whether so many changes of so many linked records are more than goes through without a question."""
    if not settings.SYNC_BRAKE_ROWS:
        return False
    is_large_part = changed > FLOOR and changed * 100 > settings.SYNC_BRAKE_PERCENT * linked
    return changed > settings.SYNC_BRAKE_ROWS or is_large_part


class Brake:
    """The caution of a run that follows the other side: it writes, until the changes become too many.

    Then the piece that went too far is undone, and the rest is only rehearsed, so that whoever decides sees all of
    it. What was written before are fewer records than the limit; with changes that come together, none.
    """

    def __init__(self, mappings: Callable[[], Mappings]) -> None:
        self._mappings = mappings
        self._linked: dict[UUID, int] = {}
        self._rehearsal: Rehearsal | None = None
        self._places: dict[Any, dict[str, Any]] = {}

    @property
    def is_tripped(self) -> bool:
        """Whether the run has to ask before it goes on."""
        return self._rehearsal is not None

    @contextmanager
    def around(self, session: SyncSession) -> Iterator[None]:
        if self._rehearsal is not None:
            with self._rehearsal.around(session):
                yield
            return
        began, before, is_unsaved = timezone.now(), _changed(session.run), session.run._state.adding
        places: dict[Any, dict[str, Any]] = {
            part: {name: getattr(part, name) for name in _MARKS} for part in session.parts
        }
        places[session.run] = {name: getattr(session.run, name) for name in (*COUNTED, "conflicts", "phase")}
        problems = session.journal.kept_problems()
        with atomic():
            yield
            # In the transaction of the piece, so that what is too much was never there.
            if _changed(session.run) == before or not self._is_too_much(session):
                return
            rehearsal = Rehearsal(self._mappings(), keeps_place=False)
            planned = rehearsal.collect(session, began)
            transaction.set_rollback(True, using=current_alias())
        self._rehearsal, self._places = rehearsal, places
        session.journal.put_back_problems(problems)
        log.warning("sync.brake_pulled", run_id=session.run.pk, connection_id=session.connection.pk)
        if is_unsaved:
            # It was saved with the piece that was undone.
            for row in (session.run, *session.parts):
                row._state.adding = True
        with atomic():
            session.hold()
            session.journal.save_run()
            # A worker before this one may have begun to look.
            SyncChange.objects.filter(run=session.run, is_planned=True).delete()
            session.run.plan = None
            rehearsal.keep(session, planned)
            session.journal.catch_up(with_place=False)

    def release(self, session: SyncSession) -> None:
        """Put the run back to where it stood before the first piece that was not written; inside a transaction."""
        for row, place in self._places.items():
            for name, value in place.items():
                setattr(row, name, value)
            row.save(update_fields=list(place))

    def _is_too_much(self, session: SyncSession) -> bool:
        rows = SyncChange.objects.filter(
            run=session.run, side=SyncChange.Side.HERE, action__in=_COUNTED, is_planned=False
        )
        counts = rows.values("collection_id").annotate(number=Count("task_id", distinct=True))
        return any(is_mass(row["number"], self._linked_in(row["collection_id"])) for row in counts.order_by())

    def _linked_in(self, collection_id: UUID) -> int:
        if collection_id not in self._linked:
            links = ExternalLink.objects.filter(collection_id=collection_id, task__isnull=False)
            self._linked[collection_id] = links.count()
        return self._linked[collection_id]


def _changed(run: SyncRun) -> int:
    return run.changed + run.archived
