"""Finds out what became of records that a complete reading did not show; nothing is ever deleted here."""

from typing import Final

import structlog
from django.db.models import F, Q
from django.utils import timezone

from integrations.capabilities import (
    ProblemKind,
    RecordPage,
    RemoteRecord,
    SourceError,
    UnreadableRecord,
)
from integrations.models import ExternalLink, SyncRun, SyncRunCollection
from integrations.sync.guarded_source import Postponed
from integrations.sync.journal import Counts
from integrations.sync.links import lock_tasks
from integrations.sync.page import PageContext
from integrations.sync.problems import Problem
from integrations.sync.reading import PAGE_SIZE
from integrations.sync.retry import KNOWN_FAILURES
from integrations.sync.session import SyncSession
from integrations.sync.taking_over import take_over
from integrations.sync.translate import CollectionMapping
from integrations.sync.trashing import IN_TRASH, follow_into_trash
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

_OF_THE_SERVICE: Final = frozenset({ProblemKind.RATE_LIMITED, ProblemKind.OVERLOADED})
#: More than so many rows and so large a part of them gone at once is more likely a mistake than tidying up.
GUARD_ROWS: Final = 50
GUARD_SHARE: Final = 0.2


def look_for_missing(session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping) -> None:
    """Ask for each record the complete reading of `part` did not show, one call each.

    In the trash: its task is archived. Not found: the task stays and the link says so, because "deleted" and
    "no longer shared" look the same. Elsewhere: the link says so. Still there: it is taken over.

    Raises: SourceError, LimitReached, LeaseLost, Stopped.
    """
    with atomic():
        expected = ExternalLink.objects.filter(collection=part.collection, connection=session.connection)
        expected = expected.filter(state__in=[ExternalLink.State.CLEAN, ExternalLink.State.QUARANTINED])
        # What came in while the reading went on was seen by nobody and is missing to nobody.
        expected = expected.filter(created_at__lt=session.run.created_at)
        total = expected.count()
        missing = expected.filter(~Q(seen_run_id=session.run.pk) | Q(seen_run_id=None))
        remote_ids = list(missing.order_by("pk").values_list("remote_id", flat=True))
    is_suspicious = len(remote_ids) > GUARD_ROWS and len(remote_ids) > GUARD_SHARE * total
    if is_suspicious and not session.run.accepts_disappearances:
        detail = f"{len(remote_ids)} of {total} rows of “{part.collection.title}” are missing."
        with atomic():
            session.journal.note(Problem("mass_disappearance", detail), part.collection)
            session.journal.flush()
        return
    for remote_id in remote_ids:
        session.check()
        look_at_one(session, part, mapping, remote_id)


def look_at_one(
    session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping, remote_id: str
) -> bool:
    """Read one record by its id and follow what became of it; False when the service failed for it just now.

    Raises: SourceError, LimitReached, LeaseLost.
    """
    try:
        record = session.source.record(remote_id)
    except Postponed as error:
        # The next complete reading asks again; meanwhile everything about it stays as it is.
        if error.cause.kind in _OF_THE_SERVICE or _count_failure(session, remote_id) <= KNOWN_FAILURES:
            session.strike(error)
        return False
    except SourceError as error:
        if error.kind is ProblemKind.NOT_FOUND:
            _mark(session, part, mapping, remote_id, ExternalLink.State.ACCESS_LOST, str(error))
        elif error.kind is ProblemKind.UNREADABLE:
            unreadable = UnreadableRecord(id=remote_id, reason=error.detail)
            take_over(PageContext(session, part, mapping), _page_of(unreadable))
        else:
            raise
        session.strikes = 0
        return True
    session.strikes = 0
    if record.is_trashed:
        _mark(session, part, mapping, remote_id, ExternalLink.State.TRASHED_REMOTE, IN_TRASH)
    elif record.collection_id != part.collection.remote_id:
        reason = "It was moved to another database of the workspace."
        _mark(session, part, mapping, remote_id, ExternalLink.State.MOVED_REMOTE, reason)
    else:
        take_over(PageContext(session, part, mapping), _page_of(record))
    return True


def note_in_trash(
    session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping, remote_id: str
) -> None:
    """Follow a record into the trash that is known to be there, without a call. Raises: LeaseLost, Held."""
    _mark(session, part, mapping, remote_id, ExternalLink.State.TRASHED_REMOTE, IN_TRASH)


def _count_failure(session: SyncSession, remote_id: str) -> int:
    """Count a failure of the service for one record; returns how many there are since it was read last."""
    if session.is_rehearsal or session.is_held:
        return 0
    with atomic():
        session.hold()
        links = ExternalLink.objects.filter(connection=session.connection, remote_id=remote_id)
        links.update(failures=F("failures") + 1)
        # What is not known here yet is told of by an event, which counts by itself.
        return links.values_list("failures", flat=True).first() or 0


def _page_of(item: RemoteRecord | UnreadableRecord) -> RecordPage:
    now = timezone.now()
    if isinstance(item, UnreadableRecord):
        return RecordPage(records=(), unreadable=(item,), next_cursor=None, server_time=now)
    return RecordPage(records=(item,), next_cursor=None, server_time=now)


def _mark(
    session: SyncSession,
    part: SyncRunCollection,
    mapping: CollectionMapping,
    remote_id: str,
    state: str,
    reason: str,
) -> None:
    counts = Counts()
    with session.writing():
        links = ExternalLink.objects.filter(connection=session.connection, remote_id=remote_id)
        # The task before its link, as everybody locks them: who edits it asks for a push, which points to the link.
        lock_tasks(links.values("task_id"))
        link = links.select_for_update(no_key=True).first()
        if link is None:
            # Somebody told us of a record that we never took over; where it is now changes nothing here.
            return
        was_trashed = link.state == ExternalLink.State.TRASHED_REMOTE
        if state == ExternalLink.State.TRASHED_REMOTE and link.task_id and not was_trashed:
            counts.archived += follow_into_trash(session, part.collection, mapping, [link])
        link.state, link.state_reason, link.failures = state, reason, 0
        link.seen_run_id, link.is_body_stale = session.seen_run_id or link.seen_run_id, False
        link.save(update_fields=["state", "state_reason", "failures", "seen_run_id", "is_body_stale"])
        session.journal.progress(counts, calls=session.guard.take_count(), part=part)


def retry_set_aside(
    session: SyncSession, parts: dict[str, tuple[SyncRunCollection, CollectionMapping]]
) -> None:
    """Try the records that were set aside again, one call each, at most a page of them in a run.

    Raises: SourceError, LimitReached, LeaseLost, Stopped.
    """
    with atomic():
        links = ExternalLink.objects.quarantined().filter(
            connection=session.connection, collection_id__in=list(parts)
        )
        # What this very run has set aside would fail again at once.
        links = links.filter(~Q(seen_run_id=session.run.pk) | Q(seen_run_id=None))
        if session.run.kind == SyncRun.Kind.POLL:
            links = links.filter(failures__lte=3)
        waiting = list(links.order_by("failures", "pk")[:PAGE_SIZE])
    for link in waiting:
        session.check()
        part, mapping = parts[str(link.collection_id)]
        try:
            look_at_one(session, part, mapping, link.remote_id)
        except Postponed as error:
            # All else is read: what was bad before must not keep the run from its end. The others have their turn
            # with the next run, because these have failed more often now.
            log.info("sync.retries_broken_off", run_id=session.run.pk, reason=str(error))
            return
