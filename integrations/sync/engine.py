"""Carries a run out, phase by phase; whatever interrupts it, the next worker goes on where it stood."""

import random
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from integrations.capabilities import ProblemKind, SourceError
from integrations.models import (
    Connection,
    FieldMapping,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
)
from integrations.sync.disappearances import look_for_missing, retry_set_aside
from integrations.sync.drift import take_over_schema, were_columns_just_seen
from integrations.sync.guarded_source import Postponed
from integrations.sync.journal import Journal
from integrations.sync.leases import give_back_lease, take_lease
from integrations.sync.limiter import Lane
from integrations.sync.outcomes import finish_run, hold_run, suspend_connection, wait_with_run
from integrations.sync.people import read_people
from integrations.sync.problems import Problem
from integrations.sync.push.sender import send_ready_pushes
from integrations.sync.reading import CannotGoOn, read_collection
from integrations.sync.relations import is_anything_to_connect, resolve_relations
from integrations.sync.retry import postponed_pause
from integrations.sync.safety.brake import brake_for
from integrations.sync.session import (
    CONNECTION_PROBLEMS,
    Held,
    NotConnected,
    Stopped,
    SyncSession,
    TurnOver,
    open_source,
)
from integrations.sync.stored_mapping import collection_mapping
from integrations.sync.translate import CollectionMapping
from tenants.foundation.errors import LimitReached, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

MAX_STALLS: Final = 30
_WITHOUT_SCHEMA: Final = frozenset({SyncRun.Kind.POLL, SyncRun.Kind.IMPORT})
#: A run that reads everything waits so often for a table the service fails for, while it answers for others.
PATIENT_STALLS: Final = 3
#: Where so many tables fail and none was read, the service is down: the others are not even tried.
MOST_FAILING: Final = 3
LANES: Final[dict[str, Lane]] = {
    SyncRun.Kind.IMPORT: Lane.IMPORT,
    SyncRun.Kind.FULL: Lane.RECONCILE,
    SyncRun.Kind.EVENTS: Lane.EVENTS,
    SyncRun.Kind.PUSH: Lane.INTERACTIVE,
}


def run_sync(*, run_id: UUID, heartbeat: Callable[[], None]) -> None:
    """Carry out an import or a full check, from where it stands to its end.

    Call it outside a transaction. Safe to call again after any interruption, and for a run that has ended.
    Raises: NotFound, LimitReached (go on after `retry_after_seconds`), LeaseLost.
    """
    with atomic():
        run = SyncRun.objects.select_related("connection").filter(pk=run_id).first()
        if run is None:
            raise NotFound("There is no such run.")
        if not run.is_open:
            return
        parts = list(run.collections.select_related("collection"))
    carry_out(run, parts, heartbeat=heartbeat)


def carry_out(
    run: SyncRun,
    parts: list[SyncRunCollection],
    *,
    heartbeat: Callable[[], None],
    steps: Callable[[SyncSession], None] | None = None,
) -> None:
    """Take the connection's lease and do what the run is for: its phases, or the given steps.

    Raises: LimitReached, LeaseLost.
    """
    connection = run.connection
    lease = take_lease(connection.pk)
    try:
        session = _open_session(run, parts, lease, heartbeat)
        if session is None:
            return
        try:
            _attempt(session, steps or _phases)
        finally:
            session.guard.write_tally()
    finally:
        give_back_lease(connection.pk, lease)


def _open_session(
    run: SyncRun, parts: list[SyncRunCollection], lease: UUID, heartbeat: Callable[[], None]
) -> SyncSession | None:
    try:
        opened = open_source(run.connection, lane=LANES.get(run.kind, Lane.BACKGROUND))
    except NotConnected as error:
        _end(run, SyncRun.State.FAILED, str(error))
        return None
    run.state = SyncRun.State.RUNNING
    run.started_at = run.started_at or timezone.now()
    run.next_attempt_at = None
    if not run._state.adding:
        with atomic():
            run.save(update_fields=["state", "started_at", "next_attempt_at", "updated_at"])
    for part in parts:
        # Everybody works on one object for each collection and for the connection.
        part.collection.connection = run.connection
    session = SyncSession(
        connection=run.connection, run=run, parts=parts, source=opened.source, guard=opened.guard, lease_token=lease,
        journal=Journal(run, parts), heartbeat=heartbeat,
    )  # fmt: skip
    session.caution = brake_for(run, lambda: _mappings_by_collection(session))
    return session


def _mappings_by_collection(session: SyncSession) -> dict[UUID, CollectionMapping]:
    mappings = mappings_of(session)
    return {part.collection_id: mappings[part.pk] for part in session.parts}


def _attempt(session: SyncSession, steps: Callable[[SyncSession], None]) -> None:
    done_before = session.run.done + session.guard.answered
    try:
        # A record whose making was broken off has to be known as ours before it is read.
        if not session.is_rehearsal:
            send_ready_pushes(session)
        steps(session)
        if session.is_held:
            raise Held
        finish_run(session)
    except Stopped as error:
        _stop(session, error)
    except Held:
        hold_run(session)
    except LimitReached as error:
        if session.is_held:
            # Where it stands is only in the hands of this worker: the next one would begin the look all over.
            hold_run(session, is_complete=False)
        elif _goes_on_later(session, error, done_before):
            raise
    except SourceError as error:
        if session.is_held and error.kind not in CONNECTION_PROBLEMS:
            hold_run(session, is_complete=False)
        else:
            _fail(session, error)


def _goes_on_later(session: SyncSession, error: LimitReached, done_before: int) -> bool:
    """Note where the run stands; False when it got no further too often, and has ended."""
    run = session.run
    if isinstance(error, TurnOver):
        with atomic():
            session.hold()
            session.journal.flush()
        return True
    # What is asked anew each time (a page whose rows fail) is answered each time.
    has_moved = run.done + session.guard.answered > done_before + 1
    run.stalls = 0 if has_moved else run.stalls + 1
    if run.stalls > MAX_STALLS:
        _end(run, SyncRun.State.FAILED, str(error), session)
        return False
    if isinstance(error, Postponed):
        error.retry_after_seconds = postponed_pause(run.stalls, random.random())  # noqa: S311
    wait_with_run(session, error)
    return True


def _phases(session: SyncSession) -> None:
    is_poll = session.run.kind == SyncRun.Kind.POLL
    mappings = mappings_of(session)
    # What an interrupted run has behind it is not read again.
    stood_at = session.run.phase
    if not is_poll and stood_at in {SyncRun.Phase.QUEUED, SyncRun.Phase.SCHEMA}:
        enter_phase(session, SyncRun.Phase.SCHEMA)
        for part in session.parts:
            if session.run.kind != SyncRun.Kind.IMPORT or not were_columns_just_seen(part.collection):
                read_schema(session, part)
        mappings = mappings_of(session)
    if not is_poll and stood_at in {SyncRun.Phase.QUEUED, SyncRun.Phase.SCHEMA, SyncRun.Phase.PEOPLE}:
        enter_phase(session, SyncRun.Phase.PEOPLE)
        read_people(session)
    enter_phase(session, SyncRun.Phase.RECORDS)
    read_each(session, lambda part: read_part(session, part, mappings[part.pk]))
    if not is_poll or is_anything_to_connect(session):
        enter_phase(session, SyncRun.Phase.RELATIONS)
        resolve_relations(session, is_whole=not is_poll)
    readable = [part for part in session.parts if part.state == SyncRunCollection.State.READ]
    if not is_poll:
        enter_phase(session, SyncRun.Phase.DELETIONS)
        for part in readable:
            look_for_missing(session, part, mappings[part.pk])
    enter_phase(session, SyncRun.Phase.RETRIES)
    retry_set_aside(session, {str(part.collection_id): (part, mappings[part.pk]) for part in readable})
    if session.needs_relations:
        # What was looked for one by one has brought references as well.
        enter_phase(session, SyncRun.Phase.RELATIONS)
        resolve_relations(session)


def enter_phase(session: SyncSession, phase: str) -> None:
    """Say what the run does now. Raises: LeaseLost, Held."""
    if session.is_held:
        raise Held
    with atomic():
        session.hold()
        session.journal.phase(phase)


def mappings_of(session: SyncSession) -> dict[UUID, CollectionMapping]:
    """How each part of the run is read, by the part's id."""
    source = session.connection.name
    with atomic():
        rows = list(
            FieldMapping.objects.filter(collection__in=[part.collection_id for part in session.parts])
        )
    return {
        part.pk: collection_mapping(
            part.collection, [row for row in rows if row.collection_id == part.collection_id], source=source
        )
        for part in session.parts
    }


def read_schema(session: SyncSession, part: SyncRunCollection) -> None:
    """Read the columns of a part anew, one call. Raises: SourceError (the connection's), LimitReached, LeaseLost."""
    if part.state not in {SyncRunCollection.State.PENDING, SyncRunCollection.State.READING}:
        return
    session.check()
    try:
        remote = session.source.collection(part.collection.remote_id)
    except SourceError as error:
        give_up_part(session, part, error)
        return
    with atomic():
        session.hold()
        # Read afresh: somebody may have confirmed another mapping since the run began.
        collection = SyncedCollection.objects.select_for_update().get(pk=part.collection_id)
        part.collection = collection
        problems = take_over_schema(collection, remote)
        for problem in problems:
            session.journal.note(problem, collection)
        has_title = remote.title_field is not None
        if not has_title:
            reason = "It has no title column: its rows cannot become tasks."
            session.journal.note(Problem("no_title", reason, title=remote.title, url=remote.url), collection)
            part.state, part.error = SyncRunCollection.State.FAILED, reason
            part.save(update_fields=["state", "error"])
        collection.state = (
            SyncedCollection.State.UNREADABLE
            if not has_title
            else SyncedCollection.State.ATTENTION
            if problems
            else SyncedCollection.State.READY
        )
        collection.state_reason = " ".join(problem.detail for problem in problems) if has_title else reason
        collection.save(update_fields=["state", "state_reason", "updated_at"])
        session.journal.flush()


def read_part(session: SyncSession, part: SyncRunCollection, mapping: CollectionMapping) -> None:
    """Read one database to its end, from where its part stands.

    Raises: SourceError (the connection's own problem), LimitReached, LeaseLost, Stopped.
    """
    if part.state in {SyncRunCollection.State.READ, SyncRunCollection.State.FAILED}:
        return

    def refresh() -> CollectionMapping:
        read_schema(session, part)
        return mappings_of(session)[part.pk]

    # The others have just read the columns.
    may_refresh = session.run.kind in _WITHOUT_SCHEMA
    try:
        read_collection(session, part, mapping, refresh=refresh if may_refresh else None)
    except CannotGoOn as error:
        _note_failure(session, part, Problem(error.code, str(error), title=part.collection.title))
    except SourceError as error:
        give_up_part(session, part, error)
    else:
        with atomic():
            title = part.collection.title
            session.journal.say(f"“{title}” is read: {part.done} rows, {part.calls} calls.", rows=part.done)


def read_each(
    session: SyncSession,
    read: Callable[[SyncRunCollection], None],
    *,
    is_to_blame: Callable[[SyncRunCollection], bool] = lambda _part: True,
) -> None:
    """Read the parts of a run one after the other; one the service fails for lets the others go first.

    Where it answers for others, that part is to blame itself and is given up: at once by a look, because the next one
    tries it again, after some patience by a run that reads everything. Where it fails for all of them, or
    (`is_to_blame`) for single records, the run waits. Raises: as `read`; Postponed.
    """
    failing: list[tuple[SyncRunCollection, Postponed]] = []
    for part in session.parts:
        try:
            read(part)
        except Postponed as error:
            failing.append((part, error))
            session.strikes = 0
            if error.cause.limit_scope is not None or len(failing) == MOST_FAILING > _read_in(session):
                raise
    is_patient = session.seen_run_id is not None and session.run.stalls < PATIENT_STALLS
    left: Postponed | None = None
    for part, problem in failing:
        if is_patient or not _read_in(session) or not is_to_blame(part):
            left = left or problem
        else:
            give_up_part(session, part, problem.cause)
    if left is not None:
        raise left


def _read_in(session: SyncSession) -> int:
    """How many parts of the run have been read to their end."""
    return sum(part.state == SyncRunCollection.State.READ for part in session.parts)


def give_up_part(session: SyncSession, part: SyncRunCollection, error: SourceError) -> None:
    """Go on without this collection, if the problem is its own. Raises: the error, if it is everybody's."""
    if error.kind in CONNECTION_PROBLEMS:
        raise error
    is_lost = error.kind is ProblemKind.NOT_FOUND
    if is_lost:
        with atomic():
            collection = part.collection
            collection.state, collection.state_reason = SyncedCollection.State.LOST, str(error)
            collection.save(update_fields=["state", "state_reason", "updated_at"])
    code = "collection_lost" if is_lost else "collection_failed"
    detail = f"{error} ({error.detail})" if error.detail else str(error)
    _note_failure(session, part, Problem(code, detail, title=part.collection.title, url=part.collection.url))


def _note_failure(session: SyncSession, part: SyncRunCollection, problem: Problem) -> None:
    with atomic():
        session.hold()
        session.journal.note(problem, part.collection)
        session.journal.flush()
        part.state, part.error = SyncRunCollection.State.FAILED, problem.detail
        part.finished_at = timezone.now()
        part.save(update_fields=["state", "error", "finished_at"])
        session.journal.say(f"“{problem.title}”: {problem.detail}", level="error")


def _fail(session: SyncSession, error: SourceError) -> None:
    state = CONNECTION_PROBLEMS.get(error.kind)
    if state is not None:
        suspend_connection(session, state, error)
    _end(session.run, SyncRun.State.FAILED, str(error), session)


def _stop(session: SyncSession, error: Stopped) -> None:
    if error.code == "sync.cancelled":
        _end(session.run, SyncRun.State.CANCELLED, "", session)
    elif not session.run._state.adding:
        with atomic():
            session.hold()
            session.run.state = SyncRun.State.WAITING
            session.run.error = str(error)
            session.run.save(update_fields=["state", "error", "updated_at"])


def _end(run: SyncRun, state: str, error: str, session: SyncSession | None = None) -> None:
    with atomic():
        if session is not None:
            # Whoever has lost the connection ends nobody's run: another worker carries it out.
            session.hold()
        if session is not None and session.caution is not None and session.is_held:
            # What was only tried is not what it has done.
            session.caution.release(session)
        run.state, run.error, run.finished_at = state, error, timezone.now()
        if session is not None:
            run.calls += session.guard.take_count()
            session.journal.save_run()
            session.journal.flush()
        run.save()
        connections = Connection.objects.filter(pk=run.connection_id)
        connections.update(calls_total=F("calls_total") + run.calls)
    log.warning("sync.run_ended", run_id=run.pk, state=state, error=error)
