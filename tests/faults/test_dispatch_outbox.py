"""A worker dies between a subscriber's effect and the mark that it was delivered: the effect happens once."""

import os
from datetime import UTC, datetime
from pathlib import Path

from tenants.accounts.models import Department
from tenants.dispatch.dispatcher import Dispatcher
from tenants.dispatch.leases import cell_transaction
from tenants.models import WorkItem
from tenants.outbox.bus import publish
from tenants.outbox.models import Delivery
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.fakes.dispatch import states_of_work
from tests.fakes.jobs import DoorOpened
from tests.faults.conftest import Workers, wait_until


def test_a_subscriber_whose_worker_dies_before_the_mark_has_its_effect_once(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    fuse, marks = tmp_path / "fuse", tmp_path / "marks"
    fuse.touch()
    with tenant_scope(committed_tenant), atomic():
        publish(*(DoorOpened(number=n, fuse=str(fuse), marks=str(marks)) for n in range(5)))
    workers.start(concurrency=1)
    wait_until(lambda: not fuse.exists(), seconds=30, what="the worker's process died at its third event")
    assert f"{os.getpid()}" not in marks.read_text()

    with cell_transaction(committed_tenant.cell):  # instead of a minute's patience
        WorkItem.objects.filter(state="running").update(lease_expires_at=datetime.now(UTC))

    wait_until(
        lambda: set(states_of_work(committed_tenant, "outbox.relay")) == {"done"},
        seconds=40,
        what="the relay's work is done",
    )
    with tenant_scope(committed_tenant), atomic():
        assert sorted(Department.objects.values_list("name", flat=True)) == [f"Door {n}" for n in range(5)]
        assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    called = [line.split()[0] for line in marks.read_text().splitlines()]
    assert called == ["0", "1", "2", "0", "1", "2", "3", "4"], (
        "delivered again, though its effect is there once"
    )
