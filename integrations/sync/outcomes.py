"""How a run ends or waits, and what that means for its connection."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import F
from django.utils import timezone

from integrations.capabilities import SourceError
from integrations.events import ConnectionSuspended, SyncRunFinished
from integrations.models import (
    Connection,
    ExternalLink,
    SyncedCollection,
    SyncRun,
    SyncRunCollection,
    SyncRunLog,
)
from integrations.sync import metrics
from integrations.sync.problems import Problem
from integrations.sync.session import SyncSession
from tenants.foundation.errors import LimitReached
from tenants.outbox.bus import publish
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: They say nothing of how fresh the tasks are.
STANDING_APART: Final = (SyncRun.Kind.DRY_RUN, SyncRun.Kind.UNDO)
_HELD: Final = "Unusually many records would change. Nothing goes on until you decide."
_HELD_EARLY: Final = (
    "Unusually many records would change, at least those that were found so far. "
    "Nothing goes on until you decide."
)


@atomic
def give_up_run(*, run_id: UUID, reason: str) -> None:
    """End a run nobody works on any more. Safe to repeat."""
    now = timezone.now()
    SyncRun.objects.filter(pk=run_id).open().update(
        state=SyncRun.State.FAILED, error=reason[:2000], finished_at=now
    )


def finish_run(session: SyncSession) -> None:
    """End a run that went through all its phases. A run for changes that found none leaves no row."""
    run, now = session.run, timezone.now()
    calls = session.guard.take_count()
    has_failed = any(part.state == SyncRunCollection.State.FAILED for part in session.parts)
    with atomic():
        session.hold()
        run.calls += calls
        run.state = SyncRun.State.PARTIAL if has_failed or run.failed else SyncRun.State.SUCCEEDED
        run.phase, run.finished_at, run.total, run.error = SyncRun.Phase.FINISHED, now, run.done, ""
        is_quiet = run._state.adding
        if not is_quiet:
            run.save()
            _finish_parts(session)
            publish(SyncRunFinished(run_id=run.pk, connection_id=run.connection_id, state=run.state))
            session.journal.say(
                f"Finished: {run.new} new, {run.changed} changed, {run.unchanged} unchanged.", calls=run.calls
            )
        # What events told of says nothing of what they may have left out.
        has_looked = run.kind not in {SyncRun.Kind.EVENTS, *STANDING_APART}
        Connection.objects.filter(pk=run.connection_id).update(
            calls_total=F("calls_total") + run.calls,
            **(
                {"last_polled_at": now, "quiet_polls": F("quiet_polls") + int(is_quiet)} if has_looked else {}
            ),
            **({} if has_failed or run.kind in STANDING_APART else {"last_synced_at": now}),
        )
    metrics.RUNS.labels(kind=run.kind, state=run.state).inc()
    metrics.RUN_SECONDS.labels(kind=run.kind).observe(run.duration_seconds or 0.0)
    if not is_quiet:
        log.info(
            "sync.run_finished",
            run_id=run.pk,
            kind=run.kind,
            state=run.state,
            calls=run.calls,
            operations=dict(session.guard.by_operation),
        )


def _finish_parts(session: SyncSession) -> None:
    for part in session.parts:
        if part.state != SyncRunCollection.State.READ:
            continue
        part.state, part.finished_at = SyncRunCollection.State.DONE, timezone.now()
        part.save(update_fields=["state", "finished_at"])
        if session.seen_run_id is not None:
            links = ExternalLink.objects.filter(collection=part.collection, seen_run_id=session.run.pk)
            SyncedCollection.objects.filter(pk=part.collection_id).update(row_count=links.count())


def wait_with_run(session: SyncSession, error: LimitReached) -> None:
    """Note that the run goes on later, and why."""
    run = session.run
    run.calls += session.guard.take_count()
    run.state, run.error = SyncRun.State.WAITING, str(error)
    run.next_attempt_at = timezone.now() + timedelta(seconds=error.retry_after_seconds or 0)
    if run._state.adding:
        return
    with atomic():
        session.hold()
        run.save(update_fields=["calls", "state", "error", "next_attempt_at", "stalls", "updated_at"])
        session.journal.flush()


def hold_run(session: SyncSession, *, is_complete: bool = True) -> None:
    """Put the run back to what it has written, and have it wait until somebody has looked at its plan.

    `is_complete`: everything was looked at; else the plan says what is there at least.
    """
    run = session.run
    with atomic():
        session.hold()
        assert session.caution is not None
        session.caution.release(session)
        run.state, run.held_for = SyncRun.State.WAITING, SyncRun.Held.MASS_CHANGE
        run.error = _HELD if is_complete else _HELD_EARLY
        run.plan = (run.plan or {}) | {"is_complete": is_complete}
        # Whoever has approved less than this is asked once more.
        run.is_approved, run.next_attempt_at, run.stalls = False, None, 0
        run.calls += session.guard.take_count()
        run.save(
            update_fields=[
                "state", "held_for", "error", "plan", "is_approved", "next_attempt_at", "stalls", "calls", "updated_at",
            ]
        )  # fmt: skip
        session.journal.say(run.error, level=SyncRunLog.Level.WARNING)
    log.warning("sync.run_held", run_id=run.pk, connection_id=run.connection_id)


def suspend_connection(session: SyncSession, state: str, error: SourceError) -> None:
    """Stop reading until a person has done something; the reason is a sentence for them.

    A late answer overrides nobody: what a person has paused or disconnected meanwhile stays so, and a token that was
    given since is not declared dead by the answer to the one before. (Access by OAuth renews itself under way; there
    only a refusal of the present token gets here.)
    """
    code = "blocked" if state == Connection.State.BLOCKED else "unauthorised"
    asked = session.connection
    with atomic():
        session.hold()
        present = Connection.objects.working().filter(pk=asked.pk, auth_kind=asked.auth_kind)
        if asked.auth_kind == Connection.AuthKind.TOKEN:
            present = present.filter(token_changed_at=asked.token_changed_at)
        if not present.update(state=state, state_reason=str(error), state_changed_at=timezone.now()):
            log.info("connection.refused_too_late", connection_id=asked.pk, state=state)
            return
        session.journal.note(Problem(code, error.detail or str(error)))
        session.journal.flush()
        publish(ConnectionSuspended(connection_id=asked.pk, state=state))
