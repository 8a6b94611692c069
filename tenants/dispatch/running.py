"""Runs one row: takes the lease, opens the tenant's scope, calls the job, marks how it ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.db.backends.utils import CursorWrapper

from tenants.dispatch.heartbeats import Heartbeat
from tenants.dispatch.leases import (
    COMPANY_CLOSED,
    Lease,
    cell_transaction,
    extend_lease,
    hold_lease,
    put_back,
    settle,
    take_lease,
)
from tenants.dispatch.metrics import JOB_SECONDS, JOB_WAIT, JOBS_DONE
from tenants.dispatch.registry import Job, registry
from tenants.dispatch.waking import waker
from tenants.dispatch.work import Control, LeaseLost, Retry, Work, counted_tries
from tenants.foundation.errors import DomainError, ExternalServiceError, LimitReached
from tenants.foundation.platform import PLATFORM_SLUG, PLATFORM_WORK
from tenants.foundation.redaction import redact_text
from tenants.models import Operation
from tenants.tenancy import TenancyError, TenantRef, cell_scope, tenant_scope
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of

log = structlog.get_logger(__name__)
LONGEST_ERROR = 2000
MARK_TRIES, MARK_PAUSE_SECONDS = 20, 0.5
# How long what meets a move waits before it is tried again.
MOVE_SECONDS = 2.0
# Any company may ask for work under any name, but backups, deletions and letters to others' owners are not its own.


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    POSTPONED = "postponed"
    FAILED = "failed"
    DEAD = "dead"
    LOST = "lost"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be written on the row after a run."""

    outcome: Outcome
    error: str = ""
    after_seconds: float = 0.0
    has_begun: bool = True


def run_item(cell: str, item_id: UUID, *, has_heartbeat: bool = True) -> Outcome:
    """Run the row if it is still to be done. A second message about the same row finds it taken.

    ``has_heartbeat=False`` runs without the heartbeat's thread, for rows of a transaction nobody else can
    see.
    """
    lease = take_lease(cell, item_id, registry.find)
    if lease is None:
        return Outcome.TAKEN
    JOB_WAIT.labels(cell=cell).observe(lease.waited_seconds)
    with structlog.contextvars.bound_contextvars(**_bound(lease)):
        started = time.monotonic()
        outcome = _run(lease, has_heartbeat)
        seconds = time.monotonic() - started
        JOB_SECONDS.labels(cell=cell, kind=lease.kind).observe(seconds)
        JOBS_DONE.labels(cell=cell, kind=lease.kind, outcome=outcome.value).inc()
        log.info(
            "job.ended",
            outcome=outcome.value,
            seconds=round(seconds, 3),
            waited=round(lease.waited_seconds, 3),
        )
    return outcome


def _bound(lease: Lease) -> dict[str, str | int | None]:
    """What every line about the run says: those written before and after the job's own scope too."""
    tenant = directory.by_id(lease.tenant_id)
    slug = tenant.slug if tenant else None
    return {"job": lease.kind, "job_id": str(lease.id), "attempt": lease.attempt, "tenant": slug}


def _run(lease: Lease, has_heartbeat: bool) -> Outcome:
    job, control = registry.find(lease.kind), Control(_nothing, _nothing, _nothing, lease.every_seconds)
    tenant, refusal = _admit(lease, job)
    if tenant is None or job is None or refusal is not None:
        return _mark(lease, refusal or Verdict(Outcome.DEAD, "This job cannot be run."), control)
    with Heartbeat(lease, job, has_thread=has_heartbeat) as heartbeat, tenant_scope(tenant):
        _connect(control, lease, job, heartbeat)
        verdict = _call(job, lease, control)
    return _mark(lease, verdict, control)


def _nothing() -> None:
    return None


def _admit(lease: Lease, job: Job | None) -> tuple[TenantRef | None, Verdict | None]:
    """The tenant to run for, or why the job is not run."""
    tenant = directory.by_id(lease.tenant_id)
    if tenant is not None and tenant.cell != lease.cell:
        # It has just moved here, and this process has not heard of it yet.
        directory.forget()
        tenant = directory.by_id(lease.tenant_id)
    if tenant is not None and tenant.cell != lease.cell and is_being_moved(tenant):
        # It is about to be taken along, or back.
        return None, Verdict(Outcome.POSTPONED, COMPANY_CLOSED, MOVE_SECONDS, has_begun=False)
    if tenant is None or tenant.cell != lease.cell:
        return None, Verdict(Outcome.DEAD, "The company this job belongs to is not in this cell.")
    if tenant.role != lease.tenant_role:
        log.error("job.role_mismatch", tenant=tenant.slug)
        return None, Verdict(Outcome.DEAD, "This job was not asked for by the company it names.")
    if job is None:
        return None, Verdict(Outcome.DEAD, f"No installed package has a job called “{lease.kind}”.")
    if job.kind.startswith(PLATFORM_WORK) and tenant.slug != PLATFORM_SLUG:
        log.error("job.not_the_platforms", tenant=tenant.slug)
        return None, Verdict(Outcome.DEAD, "This is work of the platform, and a company asked for it.")
    doors = doors_of(tenant.state)
    if not doors.works and not (job.lets_in and doors.signs_in):
        # It is not looked at how often: what is asked for runs as soon as the company opens, however late that is.
        return None, Verdict(Outcome.POSTPONED, COMPANY_CLOSED, doors.seconds, has_begun=False)
    return tenant, None


def is_being_moved(tenant: TenantRef) -> bool:
    """Whether a move of the tenant is not finished."""
    moves = Operation.objects.filter(kind=Operation.Kind.MOVE, state__in=Operation.OPEN)
    return moves.filter(tenant_id=tenant.id).exists()


def _connect(control: Control, lease: Lease, job: Job, heartbeat: Heartbeat) -> None:
    """Give the job's :class:`Work` its hold on the row."""

    def beat() -> None:
        if heartbeat.is_lost:
            raise LeaseLost
        with cell_transaction(lease.cell) as cursor:
            if not extend_lease(cursor, lease, job.lease_seconds):
                raise LeaseLost

    def in_open_transaction(step: Callable[[CursorWrapper], bool]) -> None:
        if not connections[lease.cell].in_atomic_block:
            raise TenancyError("This belongs inside the transaction of the job's effect.")
        with cell_scope(lease.cell), connections[lease.cell].cursor() as cursor:
            if not step(cursor):
                raise LeaseLost

    def finish() -> None:
        in_open_transaction(
            lambda cursor: settle(cursor, lease, is_dead=False, every_seconds=control.every_seconds)
        )
        control.is_finished = True

    control.heartbeat, control.finish = beat, finish
    control.hold = partial(in_open_transaction, partial(_hold, lease))


def _hold(lease: Lease, cursor: CursorWrapper) -> bool:
    return hold_lease(cursor, lease)


def _call(job: Job, lease: Lease, control: Control) -> Verdict:
    work = Work(
        id=lease.id, kind=lease.kind, tenant_id=lease.tenant_id, object_id=lease.object_id,
        payload=lease.payload, attempt=lease.attempt, due_at=lease.due_at, slot=lease.slot, _control=control,
    )  # fmt: skip
    try:
        with counted_tries(job.max_attempts - lease.attempt):
            job.function(work)
    except LeaseLost:
        return Verdict(Outcome.LOST)
    except Retry as request:
        return _postpone(job, lease, str(request), request.after_seconds)
    except LimitReached as limit:
        if limit.retry_after_seconds is not None:
            return _postpone(job, lease, limit.message, limit.retry_after_seconds)
        return _fail(job, lease, limit)
    except Exception as error:
        if is_moving(error):
            # Nothing of it took effect, and that was no fault of the job's.
            return Verdict(Outcome.POSTPONED, COMPANY_CLOSED, MOVE_SECONDS)
        return _fail(job, lease, error)
    return Verdict(Outcome.DONE)


def _postpone(job: Job, lease: Lease, reason: str, after_seconds: float) -> Verdict:
    reason = redact_text(reason)[:LONGEST_ERROR]
    if lease.age_seconds + after_seconds > job.max_age_seconds:
        return Verdict(Outcome.DEAD, f"Put back for too long. Last reason: {reason}")
    return Verdict(Outcome.POSTPONED, reason, after_seconds)


def _fail(job: Job, lease: Lease, error: Exception) -> Verdict:
    if isinstance(error, InterfaceError | OperationalError):
        connections[lease.cell].close_if_unusable_or_obsolete()
    text = describe(error)
    if lease.attempt >= job.max_attempts:
        log.error("job.gave_up", error=text, exc_info=error)
        return Verdict(Outcome.DEAD, text)
    wait = job.backoff(lease.attempt)
    if isinstance(error, ExternalServiceError) and error.retry_after_seconds:
        wait = max(wait, error.retry_after_seconds)
    log.warning(
        "job.failed", error=text, retry_in=round(wait, 1), exc_info=not isinstance(error, DomainError)
    )
    return Verdict(Outcome.FAILED, text, wait)


def describe(error: BaseException) -> str:
    """An error as a line for the row: its class, its words, nothing secret."""
    code = f" [{error.code}]" if isinstance(error, DomainError) else ""
    return redact_text(f"{type(error).__name__}{code}: {error}")[:LONGEST_ERROR]


def _mark(lease: Lease, verdict: Verdict, control: Control) -> Outcome:
    """Write the verdict; a database that is just restarting is waited for as long as the lease may live."""
    for left in range(MARK_TRIES - 1, -1, -1):
        try:
            with cell_transaction(lease.cell) as cursor:
                is_ours = _write(cursor, lease, verdict, control)
            break
        except (DatabaseError, InterfaceError) as error:
            if left == 0 or connections[lease.cell].in_atomic_block:
                raise
            log.warning("job.mark_failed", error=str(error))
            connections[lease.cell].close()
            time.sleep(MARK_PAUSE_SECONDS)
    if not is_ours and control.is_finished:
        # Its own transaction marked it; had that been rolled back, the row would still be ours.
        waker.wake(lease.cell)
        return Outcome.DONE
    if not is_ours:
        log.warning("job.lease_lost", wanted=verdict.outcome.value)
        return Outcome.LOST
    waker.wake(lease.cell)
    return verdict.outcome


def _write(cursor: CursorWrapper, lease: Lease, verdict: Verdict, control: Control) -> bool:
    match verdict.outcome:
        case Outcome.DONE | Outcome.DEAD:
            is_dead = verdict.outcome is Outcome.DEAD
            return settle(
                cursor, lease, is_dead=is_dead, error=verdict.error, every_seconds=control.every_seconds
            )
        case Outcome.POSTPONED | Outcome.FAILED:
            return put_back(
                cursor, lease, after_seconds=verdict.after_seconds, error=verdict.error,
                counts_as_attempt=verdict.outcome is Outcome.FAILED, has_begun=verdict.has_begun,
            )  # fmt: skip
        case _:
            return hold_lease(cursor, lease)
