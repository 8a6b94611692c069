"""One row's run: done, failed, postponed, dead, and never twice."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenants.dispatch import LeaseLost, Retry, Work, enqueue
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.foundation.errors import ExternalServiceError, LimitReached
from tenants.models import WorkItem
from tenants.tenancy import NoTransaction, TenantRef, atomic, current_tenant, in_transaction
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register


def the_row(tenant: TenantRef, kind: str) -> WorkItem:
    with cell_transaction(tenant.cell):
        return WorkItem.objects.filter(tenant_id=tenant.id, kind=kind).latest("id")


def test_a_job_runs_in_its_tenants_scope_with_what_was_asked(tenant: TenantRef, job: Register) -> None:
    seen: list[tuple[Work, TenantRef]] = []
    job("test.look")(lambda work: seen.append((work, current_tenant())))
    object_id = uuid4()
    with atomic():
        enqueue("test.look", object_id=object_id, payload={"page": 3})

    assert run_due_work(tenant, kind="test.look") == {"test.look": [Outcome.DONE]}

    ((work, scope),) = seen
    assert (work.object_id, work.payload, work.attempt) == (object_id, {"page": 3}, 1)
    assert scope.id == tenant.id
    assert states_of_work(tenant, "test.look") == ["done"]


def test_a_finished_row_is_not_run_again_by_a_second_message(tenant: TenantRef, job: Register) -> None:
    runs: list[int] = []
    job("test.once")(lambda work: runs.append(work.attempt))
    with atomic():
        enqueue("test.once")
    row = the_row(tenant, "test.once")

    first = run_item(tenant.cell, row.pk, has_heartbeat=False)
    second = run_item(tenant.cell, row.pk, has_heartbeat=False)

    assert (first, second, runs) == (Outcome.DONE, Outcome.TAKEN, [1])
