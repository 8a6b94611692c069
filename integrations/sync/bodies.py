"""Reads the texts of pages, one call each, after everything else and only where they may have changed."""

import time
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from integrations.capabilities import ProblemKind, RecordBody, SourceError
from integrations.models import Connection, ExternalLink, SyncRun
from integrations.sync.body_taking import take_over_texts
from integrations.sync.guarded_body_sink import TextDesk, open_desk
from integrations.sync.guarded_source import Postponed
from integrations.sync.journal import Journal
from integrations.sync.limiter import Lane
from integrations.sync.problems import Problem
from integrations.sync.session import MAX_STRIKES, OpenSource, open_source
from tenants.foundation.errors import LimitReached, NotFound
from tenants.tenancy import atomic

_BATCH: Final = 20
_FINAL: Final = {
    ProblemKind.NOT_FOUND,
    ProblemKind.FORBIDDEN,
    ProblemKind.INVALID_REQUEST,
    ProblemKind.UNREADABLE,
}


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
    desk = _desk(connection, opened)
    journal = Journal(run)
    deadline = time.monotonic() + for_seconds
    try:
        while time.monotonic() < deadline:
            with atomic():
                links = _due(connection)
            if not links:
                return _finish(run, opened, connection)
            bodies, problems = _fetch(links, opened, desk, heartbeat)
            take_over_texts(links, bodies, problems, journal, opened)
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


def _desk(connection: Connection, opened: OpenSource) -> TextDesk | None:
    try:
        return open_desk(connection, opened.guard)
    except NotFound:
        return None


def _due(connection: Connection) -> list[ExternalLink]:
    stale = ExternalLink.objects.filter(connection=connection).with_stale_body().select_related("connection")
    return list(stale.filter(body_due_at__lte=timezone.now()).order_by("body_due_at", "pk")[:_BATCH])


def _fetch(
    links: Sequence[ExternalLink],
    opened: OpenSource,
    desk: TextDesk | None,
    heartbeat: Callable[[], None],
) -> tuple[dict[UUID, str], dict[UUID, Problem]]:
    bodies: dict[UUID, str] = {}
    problems: dict[UUID, Problem] = {}
    strikes = 0
    for link in links:
        heartbeat()
        try:
            body = opened.source.body(link.remote_id)
            if body.is_partial and desk is not None:
                # What the short way only names (bookmarks, the end of a very long page), the blocks themselves say.
                body = RecordBody(desk.read(link.remote_id, check=heartbeat).markdown)
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
