"""Handing work out: how fast, at what cost with many companies, and how long the small ones wait for the big one.

The database's part is measured without workers: rows are handed out, taken and marked as the worker does it. The wait
is counted in turns, not seconds, beside a queue that serves the oldest row first.
"""

import secrets
import time
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from benchmarks.results import median, milliseconds, percentile, save
from tenants.dispatch import Work, enqueue, registry, tenant_job
from tenants.dispatch.handing import hand_out, has_due_work
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.foundation.ids import uuid7
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.cells import choose_cell
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema, opaque_name, provision_schema

ROWS, RUNS, COMPANIES, SMALL, PLACES = 20_000, 1_000, 10_000, 10, 8
KIND = "bench.nothing"
FILL = """
INSERT INTO tenants_workitem (id, tenant_id, tenant_role, kind, payload, priority, state, attempts, last_error)
SELECT uuidv7(), %s, 't_bench', %s, '{}', 100, 'ready', 0, '' FROM generate_series(1, %s)
"""


def main() -> None:
    """Measure and write ``results/dispatch.json``."""
    prepare()
    company = Tenant.objects.create(
        slug=f"bench-{secrets.token_hex(4)}", name="Bench", cell=choose_cell(), schema=(name := opaque_name()),
        role=name, state=Tenant.State.ACTIVE,
    )  # fmt: skip
    provision_schema(company)
    tenant_job(KIND)(nothing)
    try:
        figures = {
            "asking": measure_asking(company.ref),
            "handing_out": measure_handing(company.cell),
            "running": measure_running(company.ref),
            "idle_look": measure_idle(company.cell),
            "many_companies": measure_many(company.cell),
            "fairness": measure_fairness(company.cell),
        }
    finally:
        registry.discard(KIND)
        clear(company.cell)
        drop_schema(company)
        company.delete()
    print(save("dispatch", __doc__ or "", figures).read_text())


def nothing(work: Work) -> None:
    """The job whose time is all overhead."""


def clear(cell: str) -> None:
    """Remove what this benchmark put into the cell, and nothing else."""
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "DELETE FROM tenants_tenantqueue q WHERE EXISTS"
            " (SELECT 1 FROM tenants_workitem w WHERE w.tenant_id = q.tenant_id AND w.tenant_role = 't_bench')"
        )
        cursor.execute("DELETE FROM tenants_workitem WHERE kind = %s", [KIND])


def fill(cell: str, tenant_id: UUID, count: int) -> None:
    """Give a made-up company ``count`` due rows."""
    with cell_transaction(cell) as cursor:
        cursor.execute(FILL, [tenant_id, KIND, count])


def settle_handed(cell: str) -> None:
    """Finish what is handed out, as workers would."""
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET state = 'done', finished_at = now() WHERE state = 'handed' AND kind = %s",
            [KIND],
        )


def measure_asking(tenant: TenantRef) -> dict[str, Any]:
    """What ``enqueue`` costs in an open transaction."""
    with tenant_scope(tenant), atomic():
        started = time.perf_counter()
        for _ in range(RUNS):
            enqueue(KIND)
        seconds = time.perf_counter() - started
    return {"rows": RUNS, "ms_per_row": milliseconds(seconds / RUNS)}


def measure_handing(cell: str) -> dict[str, Any]:
    """Passes over ten companies with ``ROWS`` rows between them, until all are handed out."""
    clear(cell)
    for _ in range(10):
        fill(cell, uuid4(), ROWS // 10)
    times, rows = [], 0
    places, settings.DISPATCH_INFLIGHT_PER_TENANT = settings.DISPATCH_INFLIGHT_PER_TENANT, 1000
    try:
        while True:
            started = time.perf_counter()
            handed = hand_out(cell, most=100).items
            times.append(time.perf_counter() - started)
            if not handed:
                break
            rows += len(handed)
            settle_handed(cell)
    finally:
        settings.DISPATCH_INFLIGHT_PER_TENANT = places
    return {
        "rows": rows,
        "rows_per_pass": 100,
        "rows_per_second": round(rows / sum(times)),
        "pass_ms_median": milliseconds(median(times)),
        "pass_ms_p99": milliseconds(percentile(times, 0.99)),
    }


def measure_running(tenant: TenantRef) -> dict[str, Any]:
    """Lease, scope and mark around a job that does nothing, in one worker."""
    clear(tenant.cell)
    with tenant_scope(tenant), atomic():
        for _ in range(RUNS):
            enqueue(KIND)
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute("SELECT id FROM tenants_workitem WHERE kind = %s AND state = 'ready'", [KIND])
        items = [row[0] for row in cursor.fetchall()]
    times = []
    for item in items:
        started = time.perf_counter()
        assert run_item(tenant.cell, item) is Outcome.DONE
        times.append(time.perf_counter() - started)
    return {
        "runs": len(times),
        "ms_median": milliseconds(median(times)),
        "ms_p99": milliseconds(percentile(times, 0.99)),
        "runs_per_second_and_worker": round(len(times) / sum(times)),
    }


def measure_idle(cell: str) -> dict[str, Any]:
    """The look a dispatcher takes when nothing is due."""
    clear(cell)
    times = []
    for _ in range(300):
        started = time.perf_counter()
        has_due_work(cell)
        times.append(time.perf_counter() - started)
    return {"ms_median": milliseconds(median(times))}


def measure_many(cell: str) -> dict[str, Any]:
    """A pass when ``COMPANIES`` companies have a due row each, and one when their rows are all for later."""
    clear(cell)
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "INSERT INTO tenants_workitem (id, tenant_id, tenant_role, kind, payload, priority, state, attempts,"
            " last_error) SELECT uuidv7(), gen_random_uuid(), 't_bench', %s, '{}', 100, 'ready', 0, ''"
            " FROM generate_series(1, %s)",
            [KIND, COMPANIES],
        )
    with cell_transaction(cell) as cursor:
        cursor.execute("ANALYZE tenants_workitem")
    due = timed_passes(cell, 20)
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET due_at = now() + interval '1 hour' WHERE state = 'ready' AND kind = %s",
            [KIND],
        )
    fill(cell, uuid4(), 40)
    later = timed_passes(cell, 5)
    return {
        "companies": COMPANIES,
        "pass_ms_median_all_due": milliseconds(median(due)),
        "pass_ms_median_one_due_others_later": milliseconds(median(later)),
    }


def timed_passes(cell: str, count: int) -> list[float]:
    """Seconds of ``count`` passes of eight rows."""
    times = []
    for _ in range(count):
        started = time.perf_counter()
        hand_out(cell, most=PLACES)
        times.append(time.perf_counter() - started)
        settle_handed(cell)
    return times


def measure_fairness(cell: str) -> dict[str, Any]:
    """Turns until each of ten companies with one job is served, beside one with 2,000 that came first."""
    fair = turns_until_served(cell, fairly=True)
    first_come = turns_until_served(cell, fairly=False)
    return {
        "jobs_of_the_big_one": 2000,
        "small_companies": SMALL,
        "rows_in_flight": PLACES,
        "turns_until_a_small_one_is_served": {"median": median(fair), "max": max(fair)},
        "the_same_oldest_first": {"median": median(first_come), "max": max(first_come)},
    }


def turns_until_served(cell: str, *, fairly: bool) -> list[int]:
    """For each small company, the number of rows served until its own was."""
    clear(cell)
    big, small = uuid7(), [uuid7() for _ in range(SMALL)]
    fill(cell, big, 2000)
    for tenant_id in small:
        fill(cell, tenant_id, 1)
    served: dict[UUID, int] = defaultdict(int)
    position = 0
    while len(served) < SMALL + 1:
        for tenant_id in owners(cell, hand_out(cell, most=PLACES).items if fairly else oldest(cell)):
            position += 1
            served.setdefault(tenant_id, position)
        settle_handed(cell)
    return [served[tenant_id] for tenant_id in small]


def oldest(cell: str) -> tuple[UUID, ...]:
    """What a queue without tenants would hand out: the oldest rows."""
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET state = 'handed' WHERE id IN (SELECT id FROM tenants_workitem"
            " WHERE state = 'ready' AND kind = %s ORDER BY id LIMIT %s) RETURNING id",
            [KIND, PLACES],
        )
        return tuple(sorted(row[0] for row in cursor.fetchall()))


def owners(cell: str, items: tuple[UUID, ...]) -> list[UUID]:
    """Whose rows these are, in their order."""
    with cell_transaction(cell) as cursor:
        cursor.execute("SELECT id, tenant_id FROM tenants_workitem WHERE id = ANY(%s)", [list(items)])
        by_id = dict(cursor.fetchall())
    return [by_id[item] for item in items]
