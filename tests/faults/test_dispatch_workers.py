"""Dispatcher, broker and workers together: killed, wiped, and nothing lost or done twice."""

from collections import Counter
from pathlib import Path

import redis

from tenants.dispatch import enqueue
from tenants.dispatch.dispatcher import Dispatcher
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import states_of_work
from tests.faults.conftest import Workers, wait_until


def all_done(tenant: TenantRef) -> bool:
    return set(states_of_work(tenant)) == {"done"}


def test_a_wiped_valkey_loses_nothing(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, valkey: redis.Redis, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    workers.start()
    with tenant_scope(committed_tenant), atomic():
        for _ in range(40):
            enqueue("test.mark", payload={"file": str(marks), "seconds": 0.05})
    wait_until(lambda: marks.exists() and len(marks.read_text().splitlines()) > 8, seconds=20, what="work has begun")

    valkey.flushdb()

    wait_until(lambda: all_done(committed_tenant), seconds=90, what="all jobs are done")
    runs = Counter(line.split()[0] for line in marks.read_text().splitlines())
    assert len(runs) == 40
    assert set(runs.values()) == {1}
