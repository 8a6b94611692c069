"""The dry run: everything is read as the real run reads it, and nothing is written on either side."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

import structlog

from integrations.capabilities import RecordPage, RecordQuery, TaskSource
from integrations.models import Connection, ExternalLink, SyncedCollection, SyncRun, SyncRunCollection
from integrations.services import enqueue_run
from integrations.sync.disappearances import GUARD_ROWS, GUARD_SHARE, look_at_one
from integrations.sync.engine import carry_out, enter_phase, mappings_of, read_part
from integrations.sync.problems import Problem
from integrations.sync.push.sender import send_beside
from integrations.sync.safety.rehearsal import Rehearsal
from integrations.sync.session import TURN_SECONDS, SyncSession
from integrations.sync.setting_up import set_up_of
from integrations.sync.translate import CollectionMapping
from tenants.accounts.access import Actor, require
from tenants.foundation.errors import Conflict
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: Each missing record costs a call; the real run asks for all of them.
_MOST_LOOKED_FOR: Final = 50


@atomic
def start_dry_run(*, connection: Connection, actor: Actor) -> SyncRun:
    """Start a dry run in the background: of the chosen databases while a workspace is set up, else of all read.

    Raises: Forbidden, Conflict (not connected, nothing to read, or a dry run is under way).
    """
    require(actor, "integrations.sync", on=connection)
    locked = Connection.objects.select_for_update().get(pk=connection.pk)
    if locked.state != Connection.State.CONNECTED:
        raise Conflict(f"This workspace cannot be read now: {locked.get_state_display().lower()}.")
    under_way = SyncRun.objects.filter(connection=locked, kind=SyncRun.Kind.DRY_RUN).open().first()
    if under_way is not None:
        raise Conflict(
            "A dry run of this workspace is under way.",
            code="integrations.run_under_way",
            params={"run_id": str(under_way.pk)},
        )
    chosen = _collections(locked)
    if not chosen:
        raise Conflict(
            "There is nothing to try: choose a database and confirm its mapping.",
            code="integrations.nothing_to_read",
        )
    run = SyncRun.objects.create(
        connection=locked,
        kind=SyncRun.Kind.DRY_RUN,
        trigger=SyncRun.Trigger.MANUAL,
        started_by_id=actor.user_id,
        plan={"revisions": {str(item.pk): item.mapping_revision for item in chosen}},
    )
    SyncRunCollection.objects.bulk_create(
        SyncRunCollection(run=run, collection=item, place=place) for place, item in enumerate(chosen)
    )
    enqueue_run(run)
    log.info("sync.dry_run_started", run_id=run.pk, connection_id=locked.pk)
    return run


def _collections(connection: Connection) -> list[SyncedCollection]:
    set_up = set_up_of(connection)
    if set_up is not None:
        return list(set_up.confirmed)
    wanted = SyncedCollection.objects.filter(connection=connection).wanted()
    return list(wanted.order_by("role", "title", "id"))


def carry_out_dry_run(run: SyncRun, parts: list[SyncRunCollection], *, heartbeat: Callable[[], None]) -> None:
    """Carry a dry run out, from where it stands. Raises: LimitReached, LeaseLost."""
    is_first = all(part.state == SyncRunCollection.State.PENDING for part in parts)
    carry_out(run, parts, heartbeat=heartbeat, steps=lambda session: _rehearse(session, is_first))


def _rehearse(session: SyncSession, is_first: bool) -> None:
    mappings = mappings_of(session)
    rehearsal = Rehearsal({part.collection_id: mappings[part.pk] for part in session.parts})
    session.caution = rehearsal
    session.source = cast(TaskSource, _Watched(session, rehearsal.seen))
    enter_phase(session, SyncRun.Phase.RECORDS)
    for part in session.parts:
        read_part(session, part, mappings[part.pk])
    enter_phase(session, SyncRun.Phase.DELETIONS)
    for part in session.parts:
        if part.state == SyncRunCollection.State.READ:
            _look_for_missing(session, part, mappings[part.pk], rehearsal.seen if is_first else None)
    waiting = rehearsal.waiting_pushes(session)
    with atomic():
        session.hold()
        rehearsal.keep(session, waiting)


def _look_for_missing(
    session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping, seen: set[str] | None
) -> None:
    """Ask what became of linked records that did not come; `seen` is None when nobody knows them all."""
    states = [ExternalLink.State.CLEAN, ExternalLink.State.QUARANTINED]
    with atomic():
        expected = ExternalLink.objects.filter(collection=part.collection, state__in=states)
        expected = expected.filter(created_at__lt=session.run.created_at)
        known = list(expected.order_by("pk").values_list("remote_id", flat=True))
    if seen is None and known:
        _say(
            session,
            part,
            "not_looked_for",
            "The reading was interrupted, so nobody knows which rows are missing.",
        )
        return
    missing = [remote_id for remote_id in known if remote_id not in (seen or ())]
    if len(missing) > GUARD_ROWS and len(missing) > GUARD_SHARE * len(known):
        detail = f"{len(missing)} of {len(known)} rows of “{part.collection.title}” are missing."
        _say(session, part, "mass_disappearance", detail)
        return
    for remote_id in missing[:_MOST_LOOKED_FOR]:
        session.check()
        look_at_one(session, part, mapping, remote_id)
    if len(missing) > _MOST_LOOKED_FOR:
        left = len(missing) - _MOST_LOOKED_FOR
        _say(session, part, "not_looked_for", f"{left} more rows are missing; the real run asks for each.")


def _say(session: SyncSession, part: SyncRunCollection, code: str, detail: str) -> None:
    with atomic():
        session.hold()
        session.journal.note(Problem(code, detail, title=part.collection.title), part.collection)
        session.journal.flush()


class _Watched:
    """A session's task source that notes which records came, and lets people's edits out between pages.

    A dry run keeps in mind which records it saw, so it does not give its worker back; nobody who edits waits for it
    longer than for a turn.
    """

    def __init__(self, session: SyncSession, seen: set[str]) -> None:
        self._session, self._source, self._seen = session, session.source, seen
        self._turn_began = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def records(self, query: RecordQuery) -> RecordPage:
        """One page, its records noted."""
        if time.monotonic() - self._turn_began > TURN_SECONDS:
            send_beside(self._session)
            self._turn_began = time.monotonic()
        page = self._source.records(query)
        self._seen.update(record.id for record in page.records)
        self._seen.update(item.id for item in page.unreadable)
        return page
