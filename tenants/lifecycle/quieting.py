"""A company's jobs at rest in a cell: none is handed out any more, and those that run are given time to end."""

import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import psycopg

type Connection = psycopg.Connection[tuple[Any, ...]]
LOOK_SECONDS: Final = 0.2
PAUSED = "SELECT is_paused FROM tenants_tenantqueue WHERE tenant_id = %s"
PAUSE = """
INSERT INTO tenants_tenantqueue (tenant_id, weight, virtual_time, max_inflight, is_paused)
VALUES (%s, 1, 0, 4, %s) ON CONFLICT (tenant_id) DO UPDATE SET is_paused = excluded.is_paused
"""
BUSY = "SELECT count(*) FROM tenants_workitem WHERE tenant_id = %s AND state IN ('handed', 'running')"


def is_paused(connection: Connection, tenant_id: UUID) -> bool:
    """Whether the company's jobs wait in this cell, whatever is due."""
    row = connection.execute(PAUSED, [tenant_id]).fetchone()
    return bool(row and row[0])


def pause(connection: Connection, tenant_id: UUID, *, paused: bool) -> None:
    """Have none of the company's jobs handed out in this cell, or have them handed out again."""
    connection.execute(PAUSE, [tenant_id, paused])


def busy_jobs(connection: Connection, tenant_id: UUID) -> int:
    """How many of the company's jobs are with a worker or on their way to one."""
    row = connection.execute(BUSY, [tenant_id]).fetchone()
    return int(row[0]) if row else 0


def wait_for_jobs(look: Callable[[], int], *, seconds: float, tell: Callable[[int], None]) -> int:
    """Give running jobs time to end by themselves; returns how many were still at it then.

    ``look`` says how many there are, ``tell`` is told so while they are waited for.
    """
    until = time.monotonic() + seconds
    while True:
        busy = look()
        if not busy or time.monotonic() >= until:
            return busy
        tell(busy)
        time.sleep(LOOK_SECONDS)
