"""How many seconds ten companies wait for their jobs to start beside one with a hundred thousand waiting.

A dispatcher and a Celery worker with two processes are started as the product starts them, all on this machine, with
the settings they have by default. One company gets its rows at once; when it is well at it, ten others ask for one job
each, in one go, and that ten times. A wait is what the database's own clock says between the transaction that asked
and the worker's taking the row. The big one's jobs sleep 10 ms in one run and 100 ms in the other: a job is never cut
short, so nobody can start sooner than a worker has come to the end of the one it has.
"""

import json
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
from django.conf import settings

import benchmarks.waiting_jobs as jobs
from benchmarks.results import median, percentile, save
from tenants.dispatch import enqueue
from tenants.dispatch.leases import cell_transaction
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.cells import choose_cell
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema, opaque_name, provision_schema
from tests.faults.processes import Processes

WAITING, SMALL, ROUNDS, LIMIT_SECONDS = 100_000, 10, 10, 1.0
FILL = """
INSERT INTO tenants_workitem (id, tenant_id, tenant_role, kind, payload, priority, state, attempts, last_error)
SELECT uuidv7(), %s, %s, %s, %s, 100, 'ready', 0, '' FROM generate_series(1, %s)
"""
DONE = "SELECT count(*) FROM tenants_workitem WHERE tenant_id = ANY(%s) AND kind = %s AND state = 'done'"
WAITS = """
SELECT extract(epoch FROM started_at - created_at)::float8 FROM tenants_workitem
WHERE tenant_id = ANY(%s) AND kind = %s
"""


def main() -> None:
    """Measure and write ``results/many_waiting.json``."""
    prepare()
    with companies(1 + SMALL) as (big, *small):
        figures = {
            f"jobs_of_{round(seconds * 1000)}_ms": measure(big, small, seconds) for seconds in (0.01, 0.1)
        }
    facts = {
        "waiting_jobs_of_the_big_one": WAITING, "small_companies": SMALL, "rounds": ROUNDS, "worker_processes": 2,
        "limit_seconds": LIMIT_SECONDS,
    }  # fmt: skip
    print(save("many_waiting", (__doc__ or "").strip(), {**facts, **figures}).read_text())


@contextmanager
def companies(count: int) -> Iterator[list[Tenant]]:
    """Companies of one cell, dropped at the end with what they asked for."""
    cell, made = choose_cell(), []
    try:
        for _ in range(count):
            name = opaque_name()
            company = Tenant.objects.create(
                slug=f"bench-{secrets.token_hex(4)}", name="Bench", cell=cell, schema=name, role=name,
                state=Tenant.State.ACTIVE,
            )  # fmt: skip
            made.append(company)
            provision_schema(company)
        yield made
    finally:
        forget(cell, [company.pk for company in made])
        for company in made:
            drop_schema(company)
            company.delete()


def forget(cell: str, tenants: list[UUID]) -> None:
    """Remove what the companies asked for."""
    with cell_transaction(cell) as cursor:
        cursor.execute("DELETE FROM tenants_workitem WHERE tenant_id = ANY(%s)", [tenants])


def measure(big: Tenant, small: list[Tenant], seconds: float) -> dict[str, Any]:
    """The waits of all small companies' jobs while the big one's run."""
    cell, ids = big.cell, [company.pk for company in small]
    forget(cell, [big.pk, *ids])
    with redis.Redis.from_url(settings.REDIS_URL) as valkey:
        valkey.flushdb()  # messages about rows of the run before
    payload = {"seconds": seconds}
    with cell_transaction(cell) as cursor:
        cursor.execute(FILL, [big.pk, big.role, jobs.KIND, json.dumps(payload), WAITING])
    with tempfile.TemporaryDirectory() as logs:
        environment = {"DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE, "LOG_LEVEL": "INFO"}
        processes = Processes(Path(logs), environment, jobs=jobs.__name__)
        try:
            processes.background()
            wait_for(cell, [big.pk], 50)
            for number in range(ROUNDS):
                for company in small:
                    with tenant_scope(company.ref), atomic():
                        enqueue(jobs.KIND, payload=payload)
                wait_for(cell, ids, SMALL * (number + 1))
            done = finished(cell, [big.pk])
        finally:
            processes.stop_all()
    with cell_transaction(cell) as cursor:
        cursor.execute(WAITS, [ids, jobs.KIND])
        waits = [float(row[0]) for row in cursor.fetchall()]
    return {
        "starts": len(waits),
        "seconds_until_the_start": {
            "median": round(median(waits), 3),
            "p95": round(percentile(waits, 0.95), 3),
            "max": round(max(waits), 3),
        },
        "all_within_the_limit": max(waits) <= LIMIT_SECONDS,
        "still_waiting_of_the_big_one": WAITING - done,
    }


def finished(cell: str, tenants: list[UUID]) -> int:
    """How many of the benchmark's jobs of these companies are done."""
    with cell_transaction(cell) as cursor:
        cursor.execute(DONE, [tenants, jobs.KIND])
        return int(cursor.fetchone()[0])


def wait_for(cell: str, tenants: list[UUID], count: int) -> None:
    """Until so many of these companies' jobs are done. Raises: TimeoutError."""
    until = time.monotonic() + 60
    while finished(cell, tenants) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"Fewer than {count} jobs were done within a minute.")
        time.sleep(0.1)
