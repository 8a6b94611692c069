"""A company passes from one state to another: only where it may, told to everybody, never opening a door in passing."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from django.test import TestCase

from tenants.dispatch import Work, enqueue
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome
from tenants.foundation.errors import Conflict, NotFound
from tenants.lifecycle.transitions import FOLLOWS, change_state
from tenants.models import Tenant, WorkItem
from tenants.tenancy import TenantRef, atomic
from tenants.tenancy.directory import directory
from tenants.tenancy.states import doors_of
from tests.fakes.dispatch import run_due_work
from tests.tenants.dispatch.conftest import Register, job

__all__ = ["job"]

State = Tenant.State
PAIRS = list(product(State.values, State.values))


def put(tenant: TenantRef, state: str, **values: object) -> None:
    Tenant.objects.filter(pk=tenant.id).update(state=state, **values)
    directory.forget()


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_state_follows_another_only_where_the_table_says(
    tenant: TenantRef, before: str, after: str
) -> None:
    put(tenant, before)
    if after == before or after in FOLLOWS[before]:
        assert change_state(tenant.id, after).state == after
    else:
        with pytest.raises(Conflict, match="cannot become"):
            change_state(tenant.id, after)
        assert Tenant.objects.get(pk=tenant.id).state == before


def test_every_state_has_its_row_and_its_doors() -> None:
    assert set(FOLLOWS) == set(State.values)
    assert FOLLOWS[State.DELETED] == frozenset()


@pytest.mark.parametrize("passing", [State.EXPORTING, State.MOVING])
def test_what_passes_by_itself_opens_no_door_that_was_closed(passing: str) -> None:
    """An operator's suspension must hold while the company is exported or moved."""
    for before, after in FOLLOWS.items():
        if passing in after:
            was, is_now = doors_of(before), doors_of(passing)
            for door in ("reads", "writes", "works", "signs_in"):
                assert getattr(was, door) or not getattr(is_now, door), (before, passing, door)


def test_the_directory_is_told_and_the_row_counts_its_changes(tenant: TenantRef) -> None:
    found = directory.by_id(tenant.id)
    assert found is not None
    before = Tenant.objects.get(pk=tenant.id).version
    changed = change_state(tenant.id, State.SUSPENDED, reason="Not paid.", asked_by="Olive")
    found = directory.by_id(tenant.id)
    assert found is not None
    assert (found.state, found.state_reason, changed.version) == ("suspended", "Not paid.", before + 1)
    assert changed.state_changed_at > datetime.now(UTC) - timedelta(minutes=1)


def test_asking_again_changes_nothing_but_a_new_reason_is_taken(tenant: TenantRef) -> None:
    first = change_state(tenant.id, State.SUSPENDED, reason="Not paid.")
    again = change_state(tenant.id, State.SUSPENDED, reason="Not paid.")
    assert again.version == first.version
    other = change_state(tenant.id, State.SUSPENDED, reason="Abuse.")
    assert (other.version, other.state_reason) == (first.version + 1, "Abuse.")


def test_who_saw_another_state_is_told_so(tenant: TenantRef) -> None:
    put(tenant, State.SUSPENDED)
    with pytest.raises(Conflict, match="suspended by now, not exporting"):
        change_state(tenant.id, State.ACTIVE, seen=State.EXPORTING)


def test_the_day_of_a_deletion_goes_with_it(tenant: TenantRef) -> None:
    day = datetime.now(UTC) + timedelta(days=30)
    assert change_state(tenant.id, State.PENDING_DELETION, delete_after=day).delete_after == day
    assert change_state(tenant.id, State.ACTIVE).delete_after is None


def test_the_platforms_own_tenant_stays_open(tenant: TenantRef) -> None:
    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    for state in set(State.values) - {State.ACTIVE}:
        with pytest.raises(Conflict, match="stays open"):
            change_state(tenant.id, state)


def test_there_is_no_such_company(database: None) -> None:
    with pytest.raises(NotFound):
        change_state(uuid4(), State.SUSPENDED)


@pytest.mark.parametrize("closed", [State.SUSPENDED, State.READ_ONLY, State.PENDING_DELETION])
def test_what_waited_is_done_as_soon_as_the_company_opens_however_long_that_took(
    tenant: TenantRef, closed: str, job: Register
) -> None:
    runs: list[Work] = []
    job("test.patient", max_attempts=1, max_age_seconds=60)(runs.append)
    change_state(tenant.id, closed, reason="x")
    with atomic():
        enqueue("test.patient")
    for _ in range(3):
        assert run_due_work(tenant, kind="test.patient") == {"test.patient": [Outcome.POSTPONED]}
        with cell_transaction(tenant.cell):
            # A day later the dispatcher hands it out once more.
            WorkItem.objects.filter(kind="test.patient").update(
                due_at=datetime.now(UTC), created_at=datetime.now(UTC) - timedelta(days=3)
            )
    run_due_work(tenant, kind="test.patient")
    assert runs == []

    with TestCase.captureOnCommitCallbacks(using="default", execute=True):
        change_state(tenant.id, State.ACTIVE)

    assert run_due_work(tenant, kind="test.patient") == {"test.patient": [Outcome.DONE]}
    assert [work.attempt for work in runs] == [1]


def test_a_failed_jobs_pause_is_not_cut_short_when_the_company_opens(
    tenant: TenantRef, job: Register
) -> None:
    def fail(_work: Work) -> None:
        raise RuntimeError("no")

    job("test.failing", backoff_seconds=300)(fail)
    with atomic():
        enqueue("test.failing")
    run_due_work(tenant, kind="test.failing")
    with TestCase.captureOnCommitCallbacks(using="default", execute=True):
        change_state(tenant.id, State.SUSPENDED, reason="x")
        change_state(tenant.id, State.ACTIVE)
    assert run_due_work(tenant, kind="test.failing") == {}
