"""Reads the texts of pages, one call each, after everything else and only where they may have changed."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from integrations.capabilities import ProblemKind, SourceError
from integrations.models import Connection, ExternalLink, SyncRun
from integrations.sync.guarded_source import Postponed
from integrations.sync.journal import Counts, Journal
from integrations.sync.limiter import Lane
from integrations.sync.problems import Problem
from integrations.sync.session import MAX_STRIKES, OpenSource, open_source
from tasks.services import set_task_descriptions
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import LimitReached
from tenants.tenancy import atomic

_BATCH: Final = 20
#: An edit within the same minute would not show in the edit time, so such a text is read once more.
_OPEN_MINUTE: Final = timedelta(seconds=60)
_FINAL: Final = {
    ProblemKind.NOT_FOUND,
    ProblemKind.FORBIDDEN,
    ProblemKind.INVALID_REQUEST,
    ProblemKind.UNREADABLE,
}
#: A page the service fails for is asked again later, so that it does not hold up the others.
_PAUSE_AFTER_FAILURE: Final = timedelta(minutes=10)


def read_bodies(
    *, connection_id: UUID, heartbeat: Callable[[], None], for_seconds: float = 30.0
) -> float | None:
    """Read texts that are due, for a while; returns seconds until there is more, None if there is none.

    Call it outside a transaction. Raises: LimitReached.
    """
    with atomic():
        connection = Connection.objects.get(pk=connection_id)
        if connection.state != Connection.State.CONNECTED:
            return None
        run = _open_run(connection)
    opened = open_source(connection, lane=Lane.TEXTS)
    journal = Journal(run)
    deadline = time.monotonic() + for_seconds
    try:
        while time.monotonic() < deadline:
            with atomic():
                links = _due(connection)
            if not links:
                return _finish(run, opened, connection)
            bodies, problems = _fetch(links, opened, heartbeat)
            _write(links, bodies, problems, journal, opened)
    except LimitReached as error:
        _wait(run, opened, error)
        raise
    except SourceError as error:
        # The next poll meets the same problem and says what it means for the connection.
        _wait(run, opened, error)
        return None
    finally:
        opened.guard.write_tally()
    return 0.0


def _open_run(connection: Connection) -> SyncRun:
    runs = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.BODIES)
    run = runs.open().first() or SyncRun(
        connection=connection, kind=SyncRun.Kind.BODIES, trigger=SyncRun.Trigger.SCHEDULE
    )
    run.state, run.phase = SyncRun.State.RUNNING, SyncRun.Phase.BODIES
    run.started_at, run.error = run.started_at or timezone.now(), ""
    run.total = run.done + ExternalLink.objects.filter(connection=connection).with_stale_body().count()
    run.save()
    return run


def _due(connection: Connection) -> list[ExternalLink]:
    stale = ExternalLink.objects.filter(connection=connection).with_stale_body()
    return list(stale.filter(body_due_at__lte=timezone.now()).order_by("body_due_at", "pk")[:_BATCH])


def _fetch(
    links: Sequence[ExternalLink], opened: OpenSource, heartbeat: Callable[[], None]
) -> tuple[dict[UUID, str], dict[UUID, Problem]]:
    bodies: dict[UUID, str] = {}
    problems: dict[UUID, Problem] = {}
    strikes = 0
    for link in links:
        heartbeat()
        try:
            body = opened.source.body(link.remote_id)
        except Postponed as error:
            strikes += 1
            if strikes >= MAX_STRIKES:
                raise
            problems[link.pk] = Problem("body_later", str(error), link.remote_id, link.title, link.url)
        except SourceError as error:
            if error.kind not in _FINAL:
                raise
            problems[link.pk] = Problem("body_failed", str(error), link.remote_id, link.title, link.url)
        else:
            bodies[link.pk] = body.markdown
            if body.is_partial:
                detail = "Some parts were left out."
                problems[link.pk] = Problem("body_partial", detail, link.remote_id, link.title, link.url)
    return bodies, problems


def _write(
    links: Sequence[ExternalLink],
    bodies: dict[UUID, str],
    problems: dict[UUID, Problem],
    journal: Journal,
    opened: OpenSource,
) -> None:
    now = timezone.now()
    texts = {link.task_id: bodies[link.pk] for link in links if link.pk in bodies and link.task_id}
    with atomic():
        result = set_task_descriptions(bodies=texts, actor=SYSTEM)
        for link in links:
            due_at = _due_again(link, now, was_read=link.pk in bodies, problem=problems.get(link.pk))
            changes = {"is_body_stale": due_at is not None, "body_due_at": due_at, "body_read_at": now}
            # An edit that was noticed while we read makes the text stale again: leave that mark alone.
            ExternalLink.objects.filter(pk=link.pk, remote_edited_at=link.remote_edited_at).update(**changes)
        for problem in problems.values():
            journal.note(problem)
        failed = sum(problem.code == "body_failed" for problem in problems.values())
        counts = Counts(
            done=len(links),
            changed=len(result.updated_ids),
            unchanged=len(result.unchanged_ids),
            failed=failed,
        )
        journal.progress(counts, calls=opened.guard.take_count())
        journal.flush()


def _due_again(
    link: ExternalLink, now: datetime, *, was_read: bool, problem: Problem | None
) -> datetime | None:
    """When the text of a page is to be read once more; None when it is settled."""
    if problem is not None and problem.code == "body_later":
        return now + _PAUSE_AFTER_FAILURE
    closes_at = (link.remote_edited_at or now) + _OPEN_MINUTE
    return closes_at + timedelta(seconds=5) if was_read and now <= closes_at else None


def _finish(run: SyncRun, opened: OpenSource, connection: Connection) -> float | None:
    now = timezone.now()
    with atomic():
        run.calls += opened.guard.take_count()
        run.state = SyncRun.State.PARTIAL if run.failed else SyncRun.State.SUCCEEDED
        run.phase, run.total, run.finished_at = SyncRun.Phase.FINISHED, run.done, now
        if run.done:
            run.save()
        else:
            run.delete()
        Connection.objects.filter(pk=connection.pk).update(calls_total=F("calls_total") + run.calls)
        later = ExternalLink.objects.filter(connection=connection).with_stale_body().order_by("body_due_at")
        due_at = later.values_list("body_due_at", flat=True).first()
    return None if due_at is None else max(1.0, (due_at - now).total_seconds())


def _wait(run: SyncRun, opened: OpenSource, error: Exception) -> None:
    with atomic():
        run.calls += opened.guard.take_count()
        run.state, run.error = SyncRun.State.WAITING, str(error)
        run.save(update_fields=["calls", "state", "error", "updated_at"])
