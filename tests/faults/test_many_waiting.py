"""A hundred thousand jobs of one company, fifty thousand schedules at once, jobs that can never be done."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis

from tenants.dispatch import enqueue, registry, tenant_job
from tenants.dispatch.dispatcher import Dispatcher
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.dispatch.selectors import dead_letters
from tenants.dispatch.services import retry_dead_letter
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.companies import create_company, drop_company
from tests.fakes.dispatch import states_of_work
from tests.faults.conftest import Workers, wait_until
from tests.faults.processes import Processes

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

WAITING, SCHEDULES, SAMPLE = 100_000, 50_000, 300
FILL = """
INSERT INTO tenants_workitem
    (id, tenant_id, tenant_role, kind, payload, priority, state, attempts, last_error, slot, every_seconds)
SELECT uuidv7(), owner.id, %s, %s, %s, 100, 'ready', 0, '', {slot}, {every}
FROM unnest(%s::uuid[]) AS owner (id), generate_series(1, %s) AS number
"""


def fill(
    cell: str, tenants: list[UUID], each: int, *, role: str, kind: str, payload: Any = None, every: int = 0
) -> None:
    """Have work waiting without asking for every single piece of it."""
    recurring = {"slot": "'s' || number", "every": str(every)} if every else {"slot": "NULL", "every": "NULL"}
    with cell_transaction(cell) as cursor:
        cursor.execute(FILL.format(**recurring), [role, kind, json.dumps(payload or {}), tenants, each])


@pytest.fixture
def ten_small_companies(committed_tenant: TenantRef) -> Iterator[list[Tenant]]:
    """In the same cell as the test's company."""
    made = [create_company() for _ in range(10)]
    yield made
    for company in made:
        drop_company(company)


def test_one_company_with_a_hundred_thousand_jobs_lets_ten_others_start_within_a_few_turns(
    committed_tenant: TenantRef,
    ten_small_companies: list[Tenant],
    workers: Workers,
    dispatcher: Dispatcher,
    tmp_path: Path,
) -> None:
    big, marks = committed_tenant, tmp_path / "marks"
    payload = {"file": str(marks), "seconds": 0.01}
    fill(big.cell, [big.id], WAITING, role=big.role, kind="test.mark", payload=payload)
    workers.start()
    wait_until(
        lambda: marks.exists() and marks.stat().st_size > 2000, seconds=30, what="the big one is at it"
    )

    for company in ten_small_companies:
        with tenant_scope(company.ref), atomic():
            enqueue("test.mark", payload=payload)

    small = [company.pk for company in ten_small_companies]
    wait_until(lambda: not unfinished(big.cell, small), seconds=30, what="the small ones are served")
    turns = turns_before(big.cell, big.id, small)
    assert len(turns) == 10
    # What was handed out before they asked goes first, and two processes share the turns.
    assert max(turns) < 60, turns
    assert unfinished(big.cell, [big.id]) > WAITING * 0.9, "the big one still waits"


def unfinished(cell: str, tenants: list[UUID]) -> int:
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "SELECT count(*) FROM tenants_workitem"
            " WHERE tenant_id = ANY(%s) AND kind = 'test.mark' AND state <> 'done'",
            [tenants],
        )
        return int(cursor.fetchone()[0])


def turns_before(cell: str, big: UUID, small: list[UUID]) -> list[int]:
    """For each small one, how many jobs of the big one were started between its asking and its start."""
    with cell_transaction(cell) as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM tenants_workitem b WHERE b.tenant_id = %s"
            "        AND b.started_at BETWEEN s.created_at AND s.started_at)"
            " FROM tenants_workitem s WHERE s.tenant_id = ANY(%s) AND s.kind = 'test.mark'",
            [big, small],
        )
        return [int(row[0]) for row in cursor.fetchall()]


def test_three_dispatchers_hand_fifty_thousand_schedules_out_once_each(
    committed_tenant: TenantRef, ten_small_companies: list[Tenant], valkey: redis.Redis, tmp_path: Path
) -> None:
    tenant, owners = committed_tenant, [company.ref for company in ten_small_companies]
    for owner in owners:
        fill(tenant.cell, [owner.id], SCHEDULES // 10, role=owner.role, kind="test.tick", every=3600)
    environment = {
        "DISPATCH_INFLIGHT_TOTAL": "100000", "DISPATCH_INFLIGHT_PER_TENANT": "1000", "HANDED_SECONDS": "600",
    }  # fmt: skip
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute("UPDATE tenants_tenantqueue SET max_inflight = 32767 ")
    processes = Processes(tmp_path, environment)
    try:
        for _ in range(3):
            processes.dispatcher()
        wait_until(lambda: valkey.llen("work") >= SCHEDULES, seconds=120, what="everything is handed out")
    finally:
        processes.stop_all()

    sent = Counter(item_of(message) for message in valkey.lrange("work", 0, -1))
    assert len(sent) == SCHEDULES
    assert set(sent.values()) == {1}

    sample = list(sent)[:SAMPLE]
    tenant_job("test.tick")(lambda work: None)
    try:
        outcomes = Counter(
            run_item(tenant.cell, UUID(item)) for item in sample for _delivered_twice in range(2)
        )
    finally:
        registry.discard("test.tick")
    assert outcomes == {Outcome.DONE: SAMPLE, Outcome.TAKEN: SAMPLE}
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM tenants_workitem WHERE (tenant_id, slot) IN"
            " (SELECT tenant_id, slot FROM tenants_workitem WHERE id = ANY(%s)) GROUP BY state",
            [sample],
        )
        assert dict(cursor.fetchall()) == {"done": SAMPLE, "ready": SAMPLE}, "one next run for each that ran"


def item_of(message: bytes | str) -> str:
    """The row a message is about."""
    body = json.loads(base64.b64decode(json.loads(message)["body"]))
    return str(body[0][1])


def test_a_job_that_can_never_be_done_ends_among_the_dead_letters_and_can_be_tried_again(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    tenant, obstacle = committed_tenant, tmp_path / "obstacle"
    obstacle.touch()
    workers.start(concurrency=1)
    with tenant_scope(tenant), atomic():
        enqueue("test.hopeless", payload={"file": str(obstacle)})

    wait_until(lambda: states_of_work(tenant, "test.%") == ["dead"], seconds=30, what="it is given up")
    (letter,) = [row for row in dead_letters(tenant.cell) if row.tenant_id == tenant.id]
    assert "ValueError: This job cannot be done while the file is there." in letter.last_error

    obstacle.unlink()
    retry_dead_letter(cell=tenant.cell, item_id=letter.id)
    wait_until(lambda: states_of_work(tenant, "test.%") == ["done"], seconds=30, what="it is done")
