"""The brake: a run that would change unusually many records stops before it does, and asks."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
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
from integrations.sync.safety.rehearsal import Rehearsal, planned_numbers
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

    def __init__(
        self,
        mappings: Callable[[], Mappings],
        *,
        approved: Mapping[str, int] | None = None,
        counted: Collection[str] = _COUNTED,
    ) -> None:
        """`approved`: how many changes of a collection, by its id, need no question; `counted`: which count."""
        self._mappings = mappings
        self._counted = counted
        self._approved = dict(approved or {})
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
        began, before, is_unsaved = timezone.now(), session.changes_noted, session.run._state.adding
        places: dict[Any, dict[str, Any]] = {
            part: {name: getattr(part, name) for name in _MARKS} for part in session.parts
        }
        places[session.run] = {name: getattr(session.run, name) for name in (*COUNTED, "conflicts", "phase")}
        problems = session.journal.kept_problems()
        with atomic():
            yield
            # In the transaction of the piece, so that what is too much was never there.
            if session.changes_noted == before or not self._is_too_much(session):
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
            session.run.plan = {"approved": self._approved} if self._approved else None
            rehearsal.keep(session, planned)
            session.journal.catch_up(with_place=False)

    def release(self, session: SyncSession) -> None:
        """Put the run back to where it stood before the first piece that was not written; inside a transaction."""
        for row, place in self._places.items():
            for name, value in place.items():
                setattr(row, name, value)
            row.save(update_fields=list(place))

    def _is_too_much(self, session: SyncSession) -> bool:
        return any(
            is_mass(number - self._approved.get(str(collection_id), 0), self._linked_in(collection_id))
            for collection_id, number in written_here(session.run, counted=self._counted).items()
        )

    def _linked_in(self, collection_id: UUID) -> int:
        if collection_id not in self._linked:
            links = ExternalLink.objects.filter(collection_id=collection_id, task__isnull=False)
            self._linked[collection_id] = links.count()
        return self._linked[collection_id]


def brake_for(run: SyncRun, mappings: Callable[[], Mappings]) -> Brake | None:
    """What a run writes under; None where somebody has said that whatever it finds is right.

    Who has said that rows that are missing were really deleted has said nothing about values.
    """
    if run.kind not in BRAKED:
        return None
    if not run.is_approved:
        return Brake(mappings, counted=_counted_in(run))
    approved = (run.plan or {}).get("approved")
    # None: the plan was cut short and said so.
    return None if approved is None else Brake(mappings, approved=approved, counted=_counted_in(run))


def _counted_in(run: SyncRun) -> Collection[str]:
    """Which actions of a run the brake counts."""
    return (SyncChange.Action.UPDATED,) if run.accepts_disappearances else _COUNTED


def approved_numbers(run: SyncRun) -> dict[str, int] | None:
    """What somebody approves with the plan of a run: changes by the collection's id, those written before included.

    None when the plan only says what is there at least.
    """
    if run.kind not in BRAKED or not (run.plan or {}).get("is_complete", False):
        return None
    counted = _counted_in(run)
    numbers = Counter({str(key): number for key, number in written_here(run, counted=counted).items()})
    for (collection_id, side, action), number in planned_numbers(run).items():
        if side == SyncChange.Side.HERE and action in counted:
            numbers[str(collection_id)] += number
    return dict(numbers)


def written_here(run: SyncRun, *, counted: Collection[str] = _COUNTED) -> dict[UUID, int]:
    """How many tasks a run has changed or archived that were there before it, by collection."""
    here = SyncChange.objects.filter(run=run, side=SyncChange.Side.HERE, is_planned=False)
    made = here.filter(action=SyncChange.Action.CREATED, task_id__isnull=False)
    rows = here.filter(action__in=counted).exclude(task_id__in=made.values("task_id"))
    counts = rows.order_by().values("collection_id").annotate(number=Count("task_id", distinct=True))
    return {row["collection_id"]: row["number"] for row in counts}
