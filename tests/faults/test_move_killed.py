"""A move whose process is killed at every step: gone on with it is finished, or undone, and nobody's work is lost."""

import os
import signal
import subprocess
import sys
from uuid import UUID

import pytest
from django.utils import timezone

from tenants.accounts.models import Department
from tenants.lifecycle.moving import STEPS, start_move
from tenants.lifecycle.operations import abandon, run_operation
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.faults.conftest import ROOT, wait_until
from tests.faults.moving import Office
from tests.tenants.lifecycle.moving.places import ask, place_of, stands_in, traces_of

NAMES = [step.name for step in STEPS]
REVERSIBLE = NAMES[: NAMES.index("open")]
# Where in the middle: at which hold of a database. Two steps take none: one only reads, one writes a single row.
MIDDLES = {
    "prepare": ("2", "5"), "capture": ("1", "12"), "copy": ("1",), "follow": ("2", "3"), "quiet": ("2",),
    "fence": ("3", "5", "6"), "hand_over": ("1", "3", "5"), "open": ("1",), "clean": ("2", "4", "6", "9"),
}  # fmt: skip


def begin(tenant: TenantRef) -> Operation:
    return start_move(slug=tenant.slug, to="cell_2", asked_by="test", may_change_region=True, wait_for_jobs=0)


def killed_at(operation: Operation, step: str, point: str) -> None:
    """Go on with the move in a process that kills itself there; then its lease has run out."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.move_driver", str(operation.pk), step, point],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"it was not killed at {step} {point}: {done.stderr[-3000:]}"
    let_lease_expire(operation.pk)


def let_lease_expire(operation_id: UUID) -> None:
    Operation.objects.filter(pk=operation_id).update(lease_expires_at=timezone.now())


def test_killed_again_and_again_in_each_step_a_move_is_finished_and_nothing_is_lost(
    committed_tenant: TenantRef,
) -> None:
    office = Office(committed_tenant)
    with office.people():
        wait_until(office.has_done(10), seconds=120, what="the people work")
        operation = begin(committed_tenant)
        for step in NAMES:
            for point in ("before", *MIDDLES.get(step, ()), "after"):
                killed_at(operation, step, point)
        assert run_operation(operation.pk).state == Operation.State.SUCCEEDED
        wait_until(office.has_done(10), seconds=120, what="they work in the new place")
    assert office.errors == []
    assert office.found() == office.told
    assert Tenant.objects.get(pk=committed_tenant.id).cell == "cell_2"
    assert traces_of(committed_tenant, "cell_1") == traces_of(committed_tenant, "cell_2") == []
    assert not ask("cell_1", "SELECT 1 FROM tenants_workitem WHERE tenant_id = %s", [committed_tenant.id])


@pytest.mark.parametrize("step", REVERSIBLE)
def test_killed_in_any_step_before_the_opening_a_move_can_be_undone(
    committed_tenant: TenantRef, step: str
) -> None:
    before = place_of(committed_tenant, "cell_1")
    operation = begin(committed_tenant)
    killed_at(operation, step, "after")
    assert abandon(operation.pk, reason="It was killed.").state == Operation.State.UNDONE
    home = Tenant.objects.get(pk=committed_tenant.id).ref
    assert home == committed_tenant
    assert place_of(committed_tenant, "cell_1") == before
    assert traces_of(committed_tenant, "cell_1") == []
    assert not stands_in(committed_tenant, "cell_2")
    with tenant_scope(home), atomic():
        Department.objects.create(name="Harbour", key="H")
