"""A process that takes a company in is killed at every step: the company comes in all the same, or leaves nothing."""

import json
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from tenants.accounts.models import User
from tenants.accounts.selectors import owners
from tenants.accounts.tidying import TIDY_UP_JOB
from tenants.lifecycle.onboarding import give_up_onboarding, onboard_tenant
from tenants.lifecycle.operations import left_operations, run_operation, steps_of
from tenants.models import DataKey, Domain, Operation, Tenant, WorkItem
from tenants.tenancy import atomic, cell_scope, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.provisioning import SHARED_ROWS
from tenants.tenancy.spares import refill_spares
from tests.companies import OWNER_PASSWORD, create_company, drop_company
from tests.faults.processes import Processes

STEPS = [step.name for step in steps_of("onboard")]
PLACES = [(step, moment) for step in STEPS for moment in ("before", "inside", "after")]
CLOSED_PLACES = [place for place in PLACES if place not in [("open", "inside"), ("open", "after")]]
SPARES = 6


def slug_of(fate: str, step: str, moment: str) -> str:
    return f"{fate}-{step.replace('_', '-')}-{moment}"


@pytest.fixture(scope="module")
def killed(
    databases: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Two companies for each place, their processes killed there; the first ones were given spare schemas."""
    cases = [(slug_of(fate, *place), *place) for place in PLACES for fate in ("resumed", "undone")]
    processes = Processes(Path(tmp_path_factory.mktemp("logs")), {})
    with django_db_blocker.unblock():
        refill_spares("cell_1", wanted=SPARES)
        ended = json.loads(processes.run("tests.faults.dying_onboardings", json.dumps(cases), seconds=240))
        assert ended == [-signal.SIGKILL] * len(cases)
        # The minute passes in which another process would be waited for.
        Operation.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        yield
        connections.close_all()
        for company in Tenant.objects.filter(slug__regex=r"^(resumed|undone)-"):
            drop_company(company)
        refill_spares("cell_1", wanted=0, orphan_age=timedelta(0))


@pytest.mark.parametrize(("step", "moment"), PLACES)
def test_the_workers_finish_what_was_killed(killed: None, step: str, moment: str) -> None:
    slug = slug_of("resumed", step, moment)
    operation = Operation.objects.get(tenant_slug=slug)
    assert (operation.state, operation.pk in left_operations()) == (Operation.State.RUNNING, True)

    operation = run_operation(operation.pk)

    assert (operation.state, operation.steps_done) == (Operation.State.SUCCEEDED, STEPS)
    assert "sealed_hash" not in operation.input
    company = Tenant.objects.get(slug=slug)
    assert company.state == Tenant.State.ACTIVE
    assert Domain.objects.filter(tenant=company).count() == 1
    assert DataKey.objects.filter(tenant=company).count() == 1
    with tenant_scope(company.ref), atomic():
        assert list(owners().values_list("user__email", flat=True)) == [f"owner@{slug}.example"]
        assert User.objects.get().check_password(OWNER_PASSWORD)
    with cell_scope(company.cell), transaction.atomic(using=company.cell):
        assert WorkItem.objects.filter(tenant_id=company.pk, kind=TIDY_UP_JOB).count() == 1


@pytest.mark.parametrize(
    ("step", "moment"), [place for place in PLACES if place not in [("open", "inside"), ("open", "after")]]
)
def test_what_is_given_up_leaves_nothing(killed: None, step: str, moment: str) -> None:
    slug = slug_of("undone", step, moment)
    company = Tenant.objects.filter(slug=slug).first()

    operation = give_up_onboarding(Operation.objects.get(tenant_slug=slug).pk, reason="The machine died.")

    assert operation.state == Operation.State.UNDONE
    assert not Tenant.objects.filter(slug=slug).exists()
    assert not Domain.objects.filter(host__startswith=slug).exists()
    assert "sealed_hash" not in operation.input
    if company is not None:
        assert leftovers(company) == {}
    again = create_company(slug)
    drop_company(again)


def leftovers(company: Tenant) -> dict[str, int]:
    """What a cell still has of a company: its schema, its role, its rows in the shared tables."""
    found: dict[str, int] = {}
    with owner_connection(f"{company.cell}_owner") as connection:
        questions = {
            "schema": ("SELECT count(*) FROM pg_namespace WHERE nspname = %s", company.schema),
            "role": ("SELECT count(*) FROM pg_roles WHERE rolname = %s", company.role),
            **{
                table: (f"SELECT count(*) FROM {table} WHERE tenant_id = %s", company.pk)
                for table in SHARED_ROWS
            },
        }
        for name, (query, value) in questions.items():
            row = connection.execute(query, [value]).fetchone()
            if row and row[0]:
                found[name] = int(str(row[0]))
    assert not DataKey.objects.filter(tenant_id=company.pk).exists()
    return found


def test_a_company_whose_doors_were_open_by_then_is_finished_by_the_same_call(killed: None) -> None:
    slug = slug_of("undone", "open", "after")
    assert Tenant.objects.get(slug=slug).state == Tenant.State.ACTIVE
    done = onboard_tenant(
        slug=slug, name="Mortal Works", owner_email=f"owner@{slug}.example", owner_name="Olga Owner-Example",
        owner_password=OWNER_PASSWORD,
    )  # fmt: skip
    assert done.owner_id is not None
    assert Operation.objects.get(tenant_slug=slug).state == Operation.State.SUCCEEDED
