"""A company's jobs and a restore: what they speak of goes back with its rows, and nobody works on both."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone

from tenants.lifecycle import quieting
from tenants.lifecycle.restoring import saga
from tenants.lifecycle.restoring.services import restore_tenant, take_restore_back
from tenants.models import Tenant, WorkItem
from tenants.outbox.models import OutboxEvent
from tenants.tenancy import atomic, cell_scope, tenant_scope
from tenants.tenancy.databases import owner_connection
from tests.faults.conftest import wait_until
from tests.tenants.lifecycle.restoring.past import Past, bring_back

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]


def test_work_goes_back_with_the_rows_it_speaks_of(past: Past) -> None:
    company = past.company
    with cell_scope(company.cell), atomic():
        undone = WorkItem.objects.create(
            tenant_id=company.pk, tenant_role=company.role, kind="test.open_then", created_at=past.moment - timedelta(1)
        )  # fmt: skip
    moment = timezone.now()
    with cell_scope(company.cell), atomic():
        WorkItem.objects.filter(pk=undone.pk).update(state=WorkItem.State.DONE, finished_at=timezone.now())
        late = WorkItem.objects.create(
            tenant_id=company.pk, tenant_role=company.role, kind="test.asked_since",
            due_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
    restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    with cell_scope(company.cell), atomic():
        assert WorkItem.objects.get(pk=undone.pk).state == WorkItem.State.READY, (
            "its effect is gone: done again"
        )
        assert not WorkItem.objects.filter(pk=late.pk).exists(), "its rows are gone"
        restored_work = WorkItem.objects.create(
            tenant_id=late.tenant_id, tenant_role=late.tenant_role, kind=late.kind, due_at=late.due_at
        )
    with tenant_scope(company.ref), atomic():
        assert OutboxEvent.objects.filter(name="company.restored").exists()
    take_restore_back(slug=company.slug, asked_by="test")
    with cell_scope(company.cell), atomic():
        assert WorkItem.objects.filter(pk=late.pk).exists()
        assert not WorkItem.objects.filter(pk=restored_work.pk).exists(), "it spoke of the restored rows"


def test_jobs_that_run_are_given_time_to_end_and_then_begin_anew(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saga, "JOB_SECONDS", 1.5)
    company = past.company

    def at_work(kind: str, **facts: Any) -> WorkItem:
        return WorkItem.objects.create(
            tenant_id=company.pk, tenant_role=company.role, kind=kind, state=WorkItem.State.RUNNING, attempts=1,
            lease_token=uuid4(), lease_expires_at=timezone.now() + timedelta(hours=1), **facts,
        )  # fmt: skip

    with cell_scope(company.cell), atomic():
        ends = at_work("test.ends")
        young = at_work("test.stuck")
        old = at_work("test.stuck", created_at=past.moment - timedelta(1))
        recurring = at_work("test.stuck", slot="tick", every_seconds=60)
    ending = threading.Thread(target=end_when_quiet, args=(ends,))
    ending.start()
    bring_back(past)
    ending.join()
    with cell_scope(company.cell), atomic():
        assert WorkItem.objects.get(pk=ends.pk).state == WorkItem.State.DONE, "it was waited for"
        assert not WorkItem.objects.filter(pk=young.pk).exists(), "it spoke of rows that are gone"
        for stuck in (old, recurring):
            stuck.refresh_from_db()
            assert (stuck.state, stuck.attempts, stuck.lease_token) == (WorkItem.State.READY, 0, None)
    with owner_connection(f"{company.cell}_owner") as connection:
        assert not quieting.is_paused(connection, company.pk)


def end_when_quiet(item: WorkItem) -> None:
    """A worker that needs a moment longer than until its company's jobs are to come to their end."""
    cell = Tenant.objects.get(pk=item.tenant_id).cell
    try:
        with owner_connection(f"{cell}_owner") as connection:
            connection.autocommit = True
            wait_until(lambda: quieting.is_paused(connection, item.tenant_id), seconds=60, what="it is quiet")
            time.sleep(0.5)
            connection.execute(
                "UPDATE tenants_workitem SET state = 'done', finished_at = now()"
                " WHERE id = %s AND lease_token = %s",
                [item.pk, item.lease_token],
            )
    finally:
        connections.close_all()
