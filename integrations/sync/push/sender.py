"""Sends what waits for a connection, one record a call: by a job of its own, or between two pages of another run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models import Min
from django.utils import timezone

from integrations.capabilities import SourceError
from integrations.models import Connection, Push, SyncRun
from integrations.sync.guarded_source import Postponed
from integrations.sync.journal import Journal
from integrations.sync.leases import give_back_lease, take_lease
from integrations.sync.limiter import Lane
from integrations.sync.outcomes import suspend_connection
from integrations.sync.push.looking_first import look_first
from integrations.sync.push.one_push import send_push
from integrations.sync.push.writer import open_writer
from integrations.sync.safety.brake import FLOOR
from integrations.sync.safety.outgoing import close_what_was_let_go, hold_unusual
from integrations.sync.session import (
    CONNECTION_PROBLEMS,
    MAX_STRIKES,
    NotConnected,
    Stopped,
    SyncSession,
    open_source,
)
from tenants.foundation.errors import LimitReached, NotFound
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

#: At most this many records before whoever reads goes on, or others get their turn.
ROUND: Final = 50
#: What is due within this time is waited for; for anything later the worker is given back.
SOON_SECONDS: Final = 3.0
_UNWRITABLE_SECONDS: Final = 3600.0
_PENDING: Final = (Push.State.WAITING, Push.State.SENDING, Push.State.AMBIGUOUS)


def push_changes(*, connection_id: UUID, heartbeat: Callable[[], None]) -> float | None:
    """Send what is ready; returns in how many seconds there is more to do, None when nothing waits.

    Call it outside a transaction. Raises: LimitReached (another worker holds the connection: it sends what is
    ready between its pages), LeaseLost.
    """
    with atomic():
        connection = Connection.objects.working().filter(pk=connection_id).first()
        wait = seconds_until_next(connection_id) if connection is not None else None
    if connection is None or wait is None or wait > 0:
        return wait
    lease = take_lease(connection.pk)
    try:
        session = _session(connection, lease, heartbeat)
        try:
            send_ready_pushes(session)
        except SourceError as error:
            state = CONNECTION_PROBLEMS.get(error.kind)
            if state is None:
                raise
            suspend_connection(session, state, error)
            return None
        finally:
            session.guard.write_tally()
    except (NotConnected, Stopped) as stop:
        log.info("push.stopped", connection_id=connection_id, reason=stop.code)
        return None
    finally:
        give_back_lease(connection.pk, lease)
    with atomic():
        return seconds_until_next(connection_id)


def send_ready_pushes(session: SyncSession, *, at_most: int = ROUND) -> int:
    """Send what is ready under the lease of this session; returns how many records were dealt with.

    One statement when nothing is, and nothing is sent while a run only tries. What was broken off is looked up first:
    nothing is read before it is known what became of it. Call it outside a transaction.
    Raises: SourceError (the connection's own problem), Stopped, LeaseLost.
    """
    if session.run.kind == SyncRun.Kind.DRY_RUN:
        return 0
    with atomic():
        due = _due(session.connection.pk, at_most)
    if not due or (len(due) > FLOOR and hold_unusual(session) is not None):
        return 0
    try:
        is_urgent = any(is_interactive for _, is_interactive in due)
        writer = open_writer(session, lane=Lane.INTERACTIVE if is_urgent else Lane.BACKGROUND)
    except NotFound:
        # This connector only reads. The rows stay: another release may write.
        _put_off(session, _UNWRITABLE_SECONDS)
        return 0
    done = 0
    try:
        look_first(writer, [push_id for push_id, _ in due])
        failed = 0
        for push_id, _ in due:
            session.check()
            try:
                send_push(writer, push_id)
            except Postponed as error:
                # It has a pause of its own now: one record the service fails for must not hold up the others.
                failed += 1
                if error.cause.limit_scope is not None or failed >= MAX_STRIKES:
                    raise
            else:
                failed = 0
                done += 1
    except LimitReached as limit:
        # What the service refuses one, it refuses the others; whoever reads goes on now.
        _put_off(session, limit.retry_after_seconds or 1.0)
        log.info("push.postponed", connection_id=session.connection.pk, reason=str(limit))
    finally:
        writer.close()
    close_what_was_let_go(session.connection.pk)
    return done


def send_beside(session: SyncSession) -> int:
    """Send what is ready under the lease of a run that only tries: it would hold up what people edit meanwhile.

    What is sent belongs to a run of its own. Call it outside a transaction. Raises: as `send_ready_pushes`.
    """
    own = _session(session.connection, session.lease_token, session.heartbeat)
    try:
        return send_ready_pushes(own)
    finally:
        own.guard.write_tally()


def _put_off(session: SyncSession, seconds: float) -> None:
    """Let nothing be due for a while."""
    now = timezone.now()
    with atomic():
        session.hold()
        due = Push.objects.filter(connection=session.connection, state__in=_PENDING, not_before__lte=now)
        due.update(not_before=now + timedelta(seconds=seconds))


def seconds_until_next(connection_id: UUID) -> float | None:
    """When the next push of a connection is due, in seconds from now; None when none waits."""
    pending = Push.objects.filter(connection_id=connection_id, state__in=_PENDING)
    first = pending.aggregate(first=Min("not_before"))["first"]
    return None if first is None else max(0.0, (first - timezone.now()).total_seconds())


def wait_for_next(connection_id: UUID) -> float | None:
    """As `seconds_until_next`, None too while the connection is stopped; nobody can change it until the end of this.

    Whoever asks for a push makes a row, for which the connection must not be locked, or changes one that is there.
    """
    connection = Connection.objects.select_for_update().filter(pk=connection_id).first()
    rows = Push.objects.filter(connection_id=connection_id).select_for_update().order_by("pk")
    list(rows.values_list("pk"))
    if connection is None or connection.state != Connection.State.CONNECTED:
        return None
    return seconds_until_next(connection_id)


def _due(connection_id: UUID, at_most: int) -> list[tuple[UUID, bool]]:
    """Broken-off ones first, then people's edits, then the oldest."""
    rows = Push.objects.filter(connection_id=connection_id)
    now = timezone.now() + timedelta(milliseconds=50)
    unsettled = rows.unsettled().filter(not_before__lte=now).order_by("not_before", "id")
    chosen = list(unsettled.values_list("pk", "is_interactive")[:at_most])
    if len(chosen) < at_most:
        chosen += list(rows.ready().values_list("pk", "is_interactive")[: at_most - len(chosen)])
    return chosen


def _session(connection: Connection, lease: UUID, heartbeat: Callable[[], None]) -> SyncSession:
    """A session without a run that is read: pushes bring their own."""
    opened = open_source(connection, lane=Lane.INTERACTIVE)
    run = SyncRun(connection=connection, kind=SyncRun.Kind.PUSH, trigger=SyncRun.Trigger.EDIT)
    return SyncSession(
        connection=connection, run=run, parts=[], source=opened.source, guard=opened.guard, lease_token=lease,
        journal=Journal(run), heartbeat=heartbeat,
    )  # fmt: skip
