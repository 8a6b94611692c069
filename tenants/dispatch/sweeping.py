"""Finds what was lost: messages nobody took, workers that went away; and removes what is long done."""

from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from tenants.dispatch.handing import lock_clock
from tenants.dispatch.leases import cell_transaction, insert_next_run, recurrence_of
from tenants.dispatch.metrics import JOBS_DONE, JOBS_RECOVERED
from tenants.dispatch.registry import registry

log = structlog.get_logger(__name__)
SWEEP_SECONDS = 5.0
ROWS_AT_ONCE = 500
DEFAULT_ATTEMPTS = 8
GONE = "The worker that ran it went away, or it overran its time."

IS_TIME = """
SELECT swept_at IS NULL OR swept_at < statement_timestamp() - make_interval(secs => %s)
FROM tenants_dispatchclock WHERE id = 1
"""
UNTAKEN = """
UPDATE tenants_workitem SET state = 'ready', lease_expires_at = NULL
WHERE id IN (
    SELECT id FROM tenants_workitem WHERE state = 'handed' AND lease_expires_at < statement_timestamp()
    ORDER BY lease_expires_at LIMIT %s FOR UPDATE SKIP LOCKED)
"""
EXPIRED = """
SELECT id, tenant_id, tenant_role, kind, object_id, payload, slot, priority, due_at, every_seconds, attempts
FROM tenants_workitem WHERE state = 'running' AND lease_expires_at < statement_timestamp()
ORDER BY lease_expires_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
REVIVE = """
UPDATE tenants_workitem
SET state = 'ready', due_at = statement_timestamp() + make_interval(secs => %s), lease_token = NULL,
    lease_expires_at = NULL,
    last_error = %s
WHERE id = %s
"""
BURY = """
UPDATE tenants_workitem
SET state = 'dead', finished_at = statement_timestamp(), lease_token = NULL, lease_expires_at = NULL,
    last_error = %s
WHERE id = %s
"""
PRUNE = """
DELETE FROM tenants_workitem
WHERE id IN (
    SELECT id FROM tenants_workitem
    WHERE (state = 'done' AND finished_at < statement_timestamp() - make_interval(secs => %s))
       OR (state = 'dead' AND finished_at < statement_timestamp() - make_interval(secs => %s))
    LIMIT %s FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Rows handed again, rows taken from workers that went away, rows given up, rows removed."""

    untaken: int = 0
    revived: int = 0
    buried: int = 0
    pruned: int = 0


def sweep(cell: str, *, is_forced: bool = False) -> Sweep | None:
    """Look after a cell's rows; None when it is not yet time or another replica is doing it."""
    with cell_transaction(cell) as cursor:
        if lock_clock(cursor) is None:
            return None
        cursor.execute(IS_TIME, [SWEEP_SECONDS])
        if not cursor.fetchone()[0] and not is_forced:
            return None
        cursor.execute("UPDATE tenants_dispatchclock SET swept_at = statement_timestamp()")
        cursor.execute(UNTAKEN, [ROWS_AT_ONCE])
        untaken = cursor.rowcount
        revived, buried = _recover(cursor, cell)
        pruned = _prune(cursor)
    done = Sweep(untaken, revived, buried, pruned)
    _tell(cell, done)
    return done


def _recover(cursor: CursorWrapper, cell: str) -> tuple[int, int]:
    """Rows whose lease ran out are run again; the attempt counts, so a job that kills its workers ends."""
    cursor.execute(EXPIRED, [ROWS_AT_ONCE])
    revived = buried = 0
    for item_id, *rest, attempts in cursor.fetchall():
        row = recurrence_of(rest)
        job = registry.find(row.kind)
        if attempts < (job.max_attempts if job else DEFAULT_ATTEMPTS):
            wait = job.backoff(attempts) if job and attempts > 1 else 0.0
            cursor.execute(REVIVE, [wait, GONE, item_id])
            revived += 1
            continue
        cursor.execute(BURY, [f"{GONE} This happened on attempt {attempts} of as many.", item_id])
        if row.every_seconds:
            insert_next_run(cursor, row, row.every_seconds)
        JOBS_DONE.labels(cell=cell, kind=row.kind, outcome="dead").inc()
        buried += 1
    return revived, buried


def _prune(cursor: CursorWrapper) -> int:
    cursor.execute(
        PRUNE,
        [
            86400.0 * settings.DISPATCH_KEEP_DONE_DAYS,
            86400.0 * settings.DISPATCH_KEEP_DEAD_DAYS,
            2 * ROWS_AT_ONCE,
        ],
    )
    return int(cursor.rowcount)


def _tell(cell: str, done: Sweep) -> None:
    for reason, count in (
        ("message_lost", done.untaken),
        ("worker_lost", done.revived),
        ("dead", done.buried),
    ):
        if count:
            JOBS_RECOVERED.labels(cell=cell, reason=reason).inc(count)
    if done.untaken or done.revived or done.buried:
        log.warning(
            "dispatch.swept", cell=cell, untaken=done.untaken, revived=done.revived, buried=done.buried
        )
