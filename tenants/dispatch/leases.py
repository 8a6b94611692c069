"""A worker's hold on a row: taken once, renewed while it works, worth nothing once another has taken over."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import fields as fields_of
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from tenants.dispatch.queueing import Request, insert_request
from tenants.dispatch.registry import Job
from tenants.tenancy import cell_scope

UNKNOWN_LEASE_SECONDS = 60.0
# What is written on a job that waits for its company's doors to open.
COMPANY_CLOSED = "The company is closed for the time being."

PICK = """
SELECT tenant_id, tenant_role, kind, object_id, payload, slot, priority, due_at, every_seconds,
       attempts, created_at, started_at, statement_timestamp()
FROM tenants_workitem
WHERE id = %s AND (state = 'handed' OR (state = 'ready' AND due_at <= statement_timestamp()))
FOR UPDATE SKIP LOCKED
"""
TAKE = """
UPDATE tenants_workitem
SET state = 'running', lease_token = %s, lease_expires_at = statement_timestamp() + make_interval(secs => %s),
    attempts = attempts + 1, started_at = coalesce(started_at, statement_timestamp())
WHERE id = %s
"""
# Requests the run now starting serves as well: whatever they ask for was committed before it begins.
COALESCE = """
UPDATE tenants_workitem SET state = 'done', finished_at = statement_timestamp()
WHERE id IN (
    SELECT id FROM tenants_workitem
    WHERE tenant_id = %s AND kind = %s AND object_id IS NOT DISTINCT FROM %s AND id <> %s AND slot IS NULL
      AND (state = 'handed' OR (state = 'ready' AND due_at <= statement_timestamp()))
    FOR UPDATE SKIP LOCKED)
"""
EXTEND = """
UPDATE tenants_workitem SET lease_expires_at = statement_timestamp() + make_interval(secs => %s)
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
HOLD = "SELECT 1 FROM tenants_workitem WHERE id = %s AND lease_token = %s AND state = 'running' FOR UPDATE"
SETTLE = """
UPDATE tenants_workitem
SET state = %s, finished_at = statement_timestamp(), lease_token = NULL, lease_expires_at = NULL,
    last_error = %s
WHERE id = %s AND lease_token = %s AND state = 'running'
"""
PUT_BACK = """
UPDATE tenants_workitem
SET state = 'ready', due_at = statement_timestamp() + make_interval(secs => %s), lease_token = NULL,
    lease_expires_at = NULL,
    attempts = greatest(0, attempts - %s), last_error = %s,
    started_at = CASE WHEN %s THEN NULL ELSE started_at END
WHERE id = %s AND lease_token = %s AND state = 'running'
"""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a recurring job's next row takes over from this one."""

    tenant_id: UUID
    tenant_role: str
    kind: str
    object_id: UUID | None
    payload: dict[str, Any]
    slot: str | None
    priority: int
    due_at: datetime
    every_seconds: int | None


@dataclass(frozen=True, slots=True)
class Lease(Recurrence):
    """What a worker knows of the row it holds; ``token`` fences off whoever held it before."""

    id: UUID
    token: UUID
    cell: str
    attempt: int
    waited_seconds: float
    age_seconds: float


@contextmanager
def cell_transaction(cell: str) -> Iterator[CursorWrapper]:
    """A transaction on the cell's shared tables, and a cursor in it."""
    with cell_scope(cell), transaction.atomic(using=cell), connections[cell].cursor() as cursor:
        yield cursor


def take_lease(cell: str, item_id: UUID, find_job: Callable[[str], Job | None]) -> Lease | None:
    """Take the row if it is still to be done; None when it is done, taken, gone or not due."""
    with cell_transaction(cell) as cursor:
        cursor.execute(PICK, [item_id])
        row = cursor.fetchone()
        if row is None:
            return None
        *fields, attempts, created_at, started_at, now = row
        base = recurrence_of(fields)
        token, job = uuid4(), find_job(base.kind)
        cursor.execute(TAKE, [token, job.lease_seconds if job else UNKNOWN_LEASE_SECONDS, item_id])
        if job is not None and job.coalesce and base.slot is None:
            cursor.execute(COALESCE, [base.tenant_id, base.kind, base.object_id, item_id])
    return Lease(
        **{field.name: getattr(base, field.name) for field in fields_of(Recurrence)},
        id=item_id,
        token=token,
        cell=cell,
        attempt=attempts + 1,
        waited_seconds=max(0.0, (now - max(base.due_at, created_at)).total_seconds()),
        age_seconds=(now - (started_at or now)).total_seconds(),
    )


def recurrence_of(row: Sequence[Any]) -> Recurrence:
    """A row's columns, in the order of :class:`Recurrence`; Django's driver settings leave JSON as text."""
    values = dict(zip((field.name for field in fields_of(Recurrence)), row, strict=True))
    return Recurrence(**{**values, "payload": json.loads(values["payload"])})


def extend_lease(cursor: CursorWrapper, lease: Lease, seconds: float) -> bool:
    """Keep the row for another ``seconds``; False when it is no longer ours."""
    cursor.execute(EXTEND, [seconds, lease.id, lease.token])
    return bool(cursor.rowcount == 1)


def hold_lease(cursor: CursorWrapper, lease: Lease) -> bool:
    """Lock the row until the transaction ends; False when it is no longer ours."""
    cursor.execute(HOLD, [lease.id, lease.token])
    return cursor.fetchone() is not None


def settle(
    cursor: CursorWrapper, lease: Lease, *, is_dead: bool, error: str = "", every_seconds: int | None = None
) -> bool:
    """Mark the row done or dead and insert a recurring job's next run; False when it is no longer ours."""
    cursor.execute(SETTLE, ["dead" if is_dead else "done", error, lease.id, lease.token])
    if cursor.rowcount != 1:
        return False
    if every_seconds:
        insert_next_run(cursor, lease, every_seconds)
    return True


def put_back(
    cursor: CursorWrapper,
    lease: Lease,
    *,
    after_seconds: float,
    error: str,
    counts_as_attempt: bool,
    has_begun: bool = True,
) -> bool:
    """Make the row ready again for later; False when it is no longer ours.

    ``has_begun=False``: the job was not even called, so what time passes until it is does not make it old.
    """
    cursor.execute(
        PUT_BACK,
        [after_seconds, 0 if counts_as_attempt else 1, error, not has_begun, lease.id, lease.token],
    )
    return bool(cursor.rowcount == 1)


def insert_next_run(cursor: CursorWrapper, row: Recurrence, every_seconds: int) -> None:
    """The recurring job's next row, at the next multiple of its period that is still to come."""
    cursor.execute(
        "SELECT %s + make_interval(secs => %s * greatest(1, ceil("
        "extract(epoch FROM statement_timestamp() - %s) / %s)))",
        [row.due_at, every_seconds, row.due_at, every_seconds],
    )
    (next_at,) = cursor.fetchone()
    insert_request(
        cursor,
        Request(
            tenant_id=row.tenant_id,
            tenant_role=row.tenant_role,
            kind=row.kind,
            object_id=row.object_id,
            payload=row.payload,
            due_at=next_at,
            slot=row.slot,
            priority=row.priority,
            every_seconds=every_seconds,
        ),
    )
