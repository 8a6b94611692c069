"""Asking for work: a row in the cell, in the transaction of the change that causes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.db.backends.utils import CursorWrapper

from tenants.dispatch.waking import wake_on_commit
from tenants.foundation.ids import uuid7
from tenants.tenancy import NoTransaction, current_tenant, in_transaction

# No conflict target: naming one would need the right to read the table, which a tenant does not have.
INSERT = """
INSERT INTO tenants_workitem
    (id, tenant_id, tenant_role, kind, object_id, payload, slot, priority, state, due_at, every_seconds,
     attempts, last_error, created_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'ready', coalesce(%s, statement_timestamp()), %s, 0, '',
        statement_timestamp())
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A row to be inserted."""

    tenant_id: UUID
    tenant_role: str
    kind: str
    object_id: UUID | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    slot: str | None = None
    priority: int = 100
    every_seconds: int | None = None


def enqueue(
    kind: str,
    *,
    object_id: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    slot: str | None = None,
    priority: int = 100,
) -> None:
    """Have the job ``kind`` run for the current tenant after this transaction's commit and ``due_at``.

    ``slot`` makes it unique: while a job of the same tenant, kind and slot is not finished (waiting, even for
    a later time, or running), asking again does nothing. A slot another open transaction is just taking makes
    this one wait for it, so slots are for connections, schedules and the like, not for what every request
    asks for. Lower ``priority`` goes first within the tenant. ``payload`` holds ids and small values, never
    secrets.

    Raises: NoTenant, NoTransaction.
    """
    _ask(kind, object_id, payload, due_at, slot, priority, None)


def schedule(
    kind: str,
    *,
    every: timedelta,
    object_id: UUID | None = None,
    payload: Mapping[str, Any] | None = None,
    first_at: datetime | None = None,
    slot: str | None = None,
    priority: int = 100,
) -> None:
    """Have the job ``kind`` run for the current tenant again and again, first at ``first_at`` (or now).

    There is one such schedule per tenant, kind and ``slot`` (the object's id when not given); setting it up
    again does nothing. Runs that were missed are made up for by one. The job ends it with
    ``work.end_schedule()`` or changes its period with ``work.reschedule()``. A run that is given up does not
    end it.

    Raises: NoTenant, NoTransaction, ValueError for a period under a second.
    """
    seconds = int(every.total_seconds())
    if seconds < 1:
        raise ValueError("A recurring job needs a period of at least one second.")
    name = slot or f"every:{object_id or ''}"
    _ask(kind, object_id, payload, first_at, name, priority, seconds)


def _ask(
    kind: str,
    object_id: UUID | None,
    payload: Mapping[str, Any] | None,
    due_at: datetime | None,
    slot: str | None,
    priority: int,
    every_seconds: int | None,
) -> None:
    tenant = current_tenant()
    if not in_transaction():
        raise NoTransaction("Work is asked for inside a transaction: use tenants.tenancy.atomic.")
    with connections[tenant.cell].cursor() as cursor:
        insert_request(
            cursor,
            Request(
                tenant_id=tenant.id, tenant_role=tenant.role, kind=kind, object_id=object_id, payload=payload
                or {}, due_at=due_at, slot=slot, priority=priority, every_seconds=every_seconds,
            ),
        )  # fmt: skip
    if due_at is None or due_at <= datetime.now(UTC):
        wake_on_commit(tenant.cell)


def insert_request(cursor: CursorWrapper, request: Request) -> bool:
    """Insert one row; False when its slot is taken."""
    cursor.execute(
        INSERT,
        [
            uuid7(), request.tenant_id, request.tenant_role, request.kind, request.object_id,
            json.dumps(dict(request.payload), cls=DjangoJSONEncoder), request.slot, request.priority,
            request.due_at, request.every_seconds,
        ],
    )  # fmt: skip
    return bool(cursor.rowcount == 1)
