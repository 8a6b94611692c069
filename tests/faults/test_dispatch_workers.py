"""Dispatcher, broker and workers together: killed, wiped, cut off, and nothing lost or done twice."""

import os
import signal
from collections import Counter
from functools import partial
from pathlib import Path

import redis
from django.conf import settings

from tenants.accounts.models import Department
from tenants.dispatch import enqueue
from tenants.dispatch.broker import Sender
from tenants.dispatch.dispatcher import Dispatcher
from tenants.dispatch.handing import hand_out
from tenants.dispatch.leases import cell_transaction
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tests.fakes.dispatch import states_of_work
from tests.faults.conftest import Workers, wait_until


def all_done(tenant: TenantRef) -> bool:
    return set(states_of_work(tenant, "test.%")) == {"done"}


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def has_more(path: Path, count: int) -> bool:
    return len(lines(path)) > count


def ask_for_marks(tenant: TenantRef, file: Path, count: int, seconds: float = 0.0) -> None:
    with tenant_scope(tenant), atomic():
        for _ in range(count):
            enqueue("test.mark", payload={"file": str(file), "seconds": seconds})


def the_row(tenant: TenantRef) -> WorkItem:
    with cell_transaction(tenant.cell):
        return WorkItem.objects.get(tenant_id=tenant.id, kind__startswith="test.")


def departments(tenant: TenantRef) -> list[str]:
    with tenant_scope(tenant), atomic():
        return sorted(Department.objects.values_list("name", flat=True))


def test_a_wiped_valkey_loses_nothing(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, valkey: redis.Redis, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    workers.start()
    ask_for_marks(committed_tenant, marks, 40, seconds=0.05)
    wait_until(lambda: len(lines(marks)) > 8, seconds=20, what="work has begun")

    valkey.flushdb()

    wait_until(lambda: all_done(committed_tenant), seconds=120, what="all jobs are done")
    runs = Counter(line.split()[0] for line in lines(marks))
    assert len(runs) == 40
    assert set(runs.values()) == {1}


def test_a_message_delivered_three_times_runs_the_job_once(
    committed_tenant: TenantRef, workers: Workers, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    workers.start()
    ask_for_marks(committed_tenant, marks, 3, seconds=0.3)
    items = hand_out(committed_tenant.cell).items
    sender = Sender()
    for _ in range(3):
        sender.send(committed_tenant.cell, items)

    sender.close()
    wait_until(
        lambda: workers.log.read_text().count("succeeded in") >= 9,
        seconds=30,
        what="all nine messages are read",
    )
    assert all_done(committed_tenant)
    assert sorted(Counter(line.split()[0] for line in lines(marks)).values()) == [1, 1, 1]


def test_a_lost_message_is_sent_again(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, valkey: redis.Redis, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    ask_for_marks(committed_tenant, marks, 3)
    wait_until(lambda: valkey.llen("work") == 3, seconds=10, what="three messages wait")
    valkey.delete("work")

    workers.start()

    wait_until(lambda: all_done(committed_tenant), seconds=30, what="all jobs are done")
    assert len(lines(marks)) == 3


def test_a_worker_killed_in_the_middle_of_an_import_is_replaced_and_nothing_is_imported_twice(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    first = workers.start(concurrency=1)
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.import", payload={"file": str(marks)})
    wait_until(lambda: len(departments(committed_tenant)) == 5, seconds=20, what="half is imported")

    workers.kill(first)
    workers.start(concurrency=1)

    wait_until(lambda: all_done(committed_tenant), seconds=40, what="the import is done")
    assert [line.split()[1] for line in lines(marks)] == ["1", "2"]
    assert departments(committed_tenant) == [f"Page {page}" for page in range(10)]
    assert the_row(committed_tenant).attempts == 2


def test_a_worker_that_was_frozen_and_wakes_up_changes_nothing_more(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    first = workers.start(concurrency=1)
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.import", payload={"file": str(marks), "pause": 4})
    wait_until(lambda: len(departments(committed_tenant)) == 5, seconds=20, what="half is imported")
    os.killpg(first.pid, signal.SIGSTOP)
    workers.start(concurrency=1)
    wait_until(lambda: all_done(committed_tenant), seconds=40, what="another worker has done it")

    with tenant_scope(committed_tenant), atomic():
        Department.objects.filter(name="Page 7").delete()
    os.killpg(first.pid, signal.SIGCONT)

    wait_until(lambda: '"outcome": "lost"' in workers.log.read_text(), seconds=30, what="the first gives up")
    assert "Page 7" not in departments(committed_tenant)
    assert states_of_work(committed_tenant, "test.%") == ["done"]


def test_an_effect_that_finishes_its_own_row_happens_once_though_the_worker_dies_right_after(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    first = workers.start(concurrency=1)
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.add_once", payload={"file": str(marks), "seconds": 60})
    wait_until(lambda: all_done(committed_tenant), seconds=20, what="the effect is committed")

    workers.kill(first)
    workers.start(concurrency=1)
    other = tmp_path / "other"
    ask_for_marks(committed_tenant, other, 1)

    wait_until(lambda: len(lines(other)) == 1, seconds=30, what="the new worker works")
    assert len(lines(marks)) == len(departments(committed_tenant)) == 1


def test_connections_that_postgresql_drops_cost_nothing_but_time(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    workers.start()
    ask_for_marks(committed_tenant, marks, 60, seconds=0.1)
    for done in (5, 15):
        wait_until(partial(has_more, marks, done), seconds=20, what=f"{done} jobs have run")
        drop_connections(committed_tenant.cell)

    wait_until(lambda: all_done(committed_tenant), seconds=90, what="all jobs are done")
    assert len({line.split()[0] for line in lines(marks)}) == 60


def drop_connections(cell: str) -> None:
    """End every session of the login role in the cell's database, as a restart would; only the owner may."""
    with owner_connection(f"{cell}_owner") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = %s",
            [settings.DATABASES[cell]["USER"]],
        )
