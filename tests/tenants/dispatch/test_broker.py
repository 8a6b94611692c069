"""A message names a cell and a row, and a message somebody forged gets nobody's work done for anybody else."""

import base64
import json
from collections.abc import Iterator
from uuid import UUID

import pytest
import redis
from django.conf import settings
from django.db import IntegrityError

from config.celery import app
from tenants.dispatch import Work, enqueue
from tenants.dispatch.broker import PLATFORM_QUEUE, Sender
from tenants.dispatch.jobs import run_work_item
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.foundation.ids import uuid7
from tenants.tenancy import NoTenant, TenantRef, atomic, cell_scope, current_tenant, tenant_scope
from tenants.tenancy.context import current_tenant_or_none
from tests.fakes.dispatch import states_of_work
from tests.tenants.dispatch.conftest import Register, the_row


@pytest.fixture
def store() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


def test_a_message_holds_the_cell_and_the_rows_id_and_nothing_of_a_company(
    store: redis.Redis, tenant: TenantRef
) -> None:
    item = uuid7()
    Sender().send(tenant.cell, [item])
    raw: bytes = store.lpop("work")  # type: ignore[assignment]
    message = json.loads(raw)
    arguments, named, embedded = json.loads(base64.b64decode(message["body"]))
    assert (arguments, named) == ([tenant.cell, str(item)], {})
    assert not any(embedded.values())
    text = raw.decode() + str(arguments)
    for word in (str(tenant.id), tenant.slug, tenant.schema, tenant.role):
        assert word not in text


def test_a_message_goes_to_the_queue_that_is_named_and_to_no_other(
    store: redis.Redis, tenant: TenantRef
) -> None:
    Sender().send(tenant.cell, [uuid7()], PLATFORM_QUEUE)
    Sender().send(tenant.cell, [uuid7(), uuid7()])
    assert (store.llen("platform"), store.llen("work")) == (1, 2)
    assert {queue.name for queue in app.amqp.queues.consume_from.values()} == {"platform", "work"}


def test_a_message_with_another_cell_finds_no_row(tenant: TenantRef, job: Register) -> None:
    runs: list[Work] = []
    job("test.once")(runs.append)
    with atomic():
        enqueue("test.once")
    row = the_row(tenant, "test.once")
    other = next(cell for cell in settings.CELLS if cell != tenant.cell)

    assert run_item(other, row.pk, has_heartbeat=False) is Outcome.TAKEN
    run_work_item("cell_that_is_none", str(row.pk))
    run_work_item("default", str(row.pk))
    run_work_item(f"{tenant.cell}_owner", str(row.pk))

    assert runs == []
    assert states_of_work(tenant, "test.once") == ["ready"]


@pytest.mark.parametrize("of", ["nobody", "another company"])
def test_a_row_that_names_somebody_else_is_given_up_and_run_for_nobody(
    tenant: TenantRef, other_tenant: TenantRef, job: Register, of: str
) -> None:
    """The database lets a tenant insert its own rows only; should one be forged all the same, its role tells."""
    runs: list[Work] = []
    job("test.once")(runs.append)
    with atomic():
        enqueue("test.once")
    row = the_row(tenant, "test.once")
    named: UUID = other_tenant.id if of == "another company" else uuid7()
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute("UPDATE tenants_workitem SET tenant_id = %s WHERE id = %s", [named, row.pk])

    assert run_item(tenant.cell, row.pk, has_heartbeat=False) is Outcome.DEAD
    assert runs == []


def test_a_row_without_a_company_cannot_be_written(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.once")
    with pytest.raises(IntegrityError), cell_transaction(tenant.cell) as cursor:
        cursor.execute("UPDATE tenants_workitem SET tenant_id = NULL WHERE kind = 'test.once'")


def test_work_asked_for_by_nobody_is_refused_not_given_to_somebody(database: None) -> None:
    assert current_tenant_or_none() is None
    with pytest.raises(NoTenant):
        enqueue("test.once")
    with cell_scope("cell_1"), pytest.raises(NoTenant):
        enqueue("test.once")


def test_a_job_starts_in_its_own_scope_whatever_its_worker_did_before(
    tenant: TenantRef, other_tenant: TenantRef, job: Register
) -> None:
    seen: list[str] = []
    job("test.look")(lambda work: seen.append(current_tenant().slug))
    with atomic():
        enqueue("test.look")
    row = the_row(tenant, "test.look")
    with tenant_scope(other_tenant):
        assert run_item(tenant.cell, row.pk, has_heartbeat=False) is Outcome.DONE
        assert current_tenant() == other_tenant
    assert seen == [tenant.slug]
