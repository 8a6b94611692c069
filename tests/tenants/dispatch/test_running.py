"""One row's run: done, failed, postponed, given up, and never twice."""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenants.dispatch import Retry, Work, enqueue
from tenants.dispatch.leases import cell_transaction
from tenants.dispatch.running import Outcome, run_item
from tenants.foundation.errors import ExternalServiceError, LimitReached
from tenants.models import Tenant, WorkItem
from tenants.tenancy import TenantRef, atomic, current_tenant, in_transaction, tenant_scope
from tenants.tenancy.directory import directory
from tests.fakes.dispatch import make_due, run_due_work, states_of_work
from tests.tenants.dispatch.conftest import Register, the_row


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


def test_a_failing_job_waits_longer_each_time_and_is_given_up_in_the_end(
    tenant: TenantRef, job: Register
) -> None:
    def fail(work: Work) -> None:
        raise OSError("the disk of the far side is full")

    job("test.fail", max_attempts=3, backoff_seconds=10)(fail)
    with atomic():
        enqueue("test.fail")

    waits: list[float] = []
    for attempt in (1, 2):
        assert run_due_work(tenant, kind="test.fail") == {"test.fail": [Outcome.FAILED]}
        row = the_row(tenant, "test.fail")
        assert (row.state, row.attempts) == ("ready", attempt)
        waits.append((row.due_at - datetime.now(UTC)).total_seconds())
        make_due(tenant, kind="test.fail")
    assert run_due_work(tenant, kind="test.fail") == {"test.fail": [Outcome.DEAD]}

    assert 7 <= waits[0] <= 13
    assert 14 <= waits[1] <= 26
    row = the_row(tenant, "test.fail")
    assert (row.state, row.attempts, row.lease_token) == ("dead", 3, None)
    assert row.last_error == "OSError: the disk of the far side is full"
    assert row.finished_at is not None


def test_a_secret_in_an_error_does_not_reach_the_row(tenant: TenantRef, job: Register) -> None:
    def fail(work: Work) -> None:
        raise OSError("401 for Authorization: Bearer ntn_0123456789abcdefghijKLMN")

    job("test.leak")(fail)
    with atomic():
        enqueue("test.leak")
    run_due_work(tenant, kind="test.leak")

    error = the_row(tenant, "test.leak").last_error
    assert "ntn_" not in error
    assert "401 for" in error


def test_what_a_failed_job_had_committed_stays_and_what_it_had_not_is_undone(
    tenant: TenantRef, job: Register
) -> None:
    def half(work: Work) -> None:
        with atomic():
            enqueue("test.kept")
        with atomic():
            enqueue("test.undone")
            raise OSError("half-way")

    job("test.half")(half)
    with atomic():
        enqueue("test.half")
    run_due_work(tenant, kind="test.half")

    assert states_of_work(tenant, "test.kept") == ["ready"]
    assert states_of_work(tenant, "test.undone") == []


def test_a_job_may_put_itself_back_without_using_up_attempts(tenant: TenantRef, job: Register) -> None:
    attempts: list[int] = []

    def wait(work: Work) -> None:
        attempts.append(work.attempt)
        raise Retry("the export is not ready", after_seconds=30)

    job("test.wait", max_attempts=2)(wait)
    with atomic():
        enqueue("test.wait")
    for _ in range(5):
        assert run_due_work(tenant, kind="test.wait") == {"test.wait": [Outcome.POSTPONED]}
        make_due(tenant, kind="test.wait")

    assert attempts == [1] * 5
    assert the_row(tenant, "test.wait").last_error == "the export is not ready"


def test_a_job_that_puts_itself_back_for_too_long_is_given_up(tenant: TenantRef, job: Register) -> None:
    def wait(work: Work) -> None:
        raise Retry(after_seconds=30)

    job("test.wait", max_age_seconds=3600)(wait)
    with atomic():
        enqueue("test.wait")
    run_due_work(tenant, kind="test.wait")
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind="test.wait").update(started_at=datetime.now(UTC) - timedelta(hours=2))
    make_due(tenant, kind="test.wait")

    assert run_due_work(tenant, kind="test.wait") == {"test.wait": [Outcome.DEAD]}
    assert the_row(tenant, "test.wait").last_error.startswith("Put back for too long.")


def test_a_limit_of_the_far_side_says_when_to_come_back(tenant: TenantRef, job: Register) -> None:
    def limited(work: Work) -> None:
        raise LimitReached("180 calls a minute", retry_after_seconds=42)

    job("test.limited")(limited)
    with atomic():
        enqueue("test.limited")

    assert run_due_work(tenant, kind="test.limited") == {"test.limited": [Outcome.POSTPONED]}
    row = the_row(tenant, "test.limited")
    assert row.attempts == 0
    assert 38 <= (row.due_at - datetime.now(UTC)).total_seconds() <= 42


def test_a_limit_that_waiting_does_not_lift_counts_as_a_failure(tenant: TenantRef, job: Register) -> None:
    def limited(work: Work) -> None:
        raise LimitReached("the plan allows three")

    job("test.limited")(limited)
    with atomic():
        enqueue("test.limited")

    assert run_due_work(tenant, kind="test.limited") == {"test.limited": [Outcome.FAILED]}
    assert the_row(tenant, "test.limited").last_error == "LimitReached [limit_reached]: the plan allows three"


def test_an_outside_service_that_names_a_time_is_not_asked_before_it(
    tenant: TenantRef, job: Register
) -> None:
    def overloaded(work: Work) -> None:
        raise ExternalServiceError("overloaded", service="notion", is_transient=True, retry_after_seconds=500)

    job("test.overloaded", backoff_seconds=1)(overloaded)
    with atomic():
        enqueue("test.overloaded")
    run_due_work(tenant, kind="test.overloaded")

    assert (the_row(tenant, "test.overloaded").due_at - datetime.now(UTC)).total_seconds() > 490


def test_a_kind_nobody_knows_is_a_dead_letter_that_says_so(tenant: TenantRef) -> None:
    with atomic():
        enqueue("test.unheard_of")

    assert run_due_work(tenant, kind="test.unheard_of") == {"test.unheard_of": [Outcome.DEAD]}
    assert "“test.unheard_of”" in the_row(tenant, "test.unheard_of").last_error


def test_the_work_of_a_suspended_company_waits(tenant: TenantRef, job: Register) -> None:
    runs: list[Work] = []
    job("test.suspended")(runs.append)
    with atomic():
        enqueue("test.suspended")
    Tenant.objects.filter(pk=tenant.id).update(state=Tenant.State.SUSPENDED)
    directory.forget()

    assert run_due_work(tenant, kind="test.suspended") == {"test.suspended": [Outcome.POSTPONED]}
    assert (runs, the_row(tenant, "test.suspended").attempts) == ([], 0)

    Tenant.objects.filter(pk=tenant.id).update(state=Tenant.State.ACTIVE)
    directory.forget()
    make_due(tenant, kind="test.suspended")
    assert run_due_work(tenant, kind="test.suspended") == {"test.suspended": [Outcome.DONE]}


def test_a_row_that_names_another_company_than_its_role_is_not_run(
    tenant: TenantRef, other_tenant: TenantRef, job: Register
) -> None:
    runs: list[Work] = []
    job("test.forged")(runs.append)
    with atomic():
        enqueue("test.forged")
    with cell_transaction(tenant.cell):
        WorkItem.objects.filter(kind="test.forged").update(tenant_id=other_tenant.id)

    assert run_due_work(other_tenant, kind="test.forged") == {"test.forged": [Outcome.DEAD]}
    assert runs == []


def test_the_platforms_own_work_is_done_for_the_platform_alone(tenant: TenantRef, job: Register) -> None:
    runs: list[Work] = []
    job("platform.test_spend")(runs.append)
    with atomic():
        enqueue("platform.test_spend")

    assert run_due_work(tenant, kind="platform.test_spend") == {"platform.test_spend": [Outcome.DEAD]}
    assert runs == []

    Tenant.objects.filter(pk=tenant.id).update(slug="platform")
    directory.forget()
    with atomic():
        enqueue("platform.test_spend")
    assert run_due_work(tenant, kind="platform.test_spend") == {"platform.test_spend": [Outcome.DONE]}


def test_one_run_of_a_coalescing_job_serves_all_that_wait_for_the_same_object(
    tenant: TenantRef, job: Register
) -> None:
    seen: list[object] = []
    job("test.refresh", coalesce=True)(lambda work: seen.append(work.object_id))
    first, second = uuid4(), uuid4()
    with atomic():
        for object_id in (first, second, first, first):
            enqueue("test.refresh", object_id=object_id)
        enqueue("test.refresh", object_id=first, due_at=datetime.now(UTC) + timedelta(hours=1))
    run_due_work(tenant, kind="test.refresh")

    assert seen == [first, second]
    assert sorted(states_of_work(tenant, "test.refresh")) == ["done"] * 4 + ["ready"]


def test_a_job_is_called_outside_any_transaction(committed_tenant: TenantRef, job: Register) -> None:
    seen: list[bool] = []
    job("test.outside")(lambda work: seen.append(in_transaction()))
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.outside")

    assert run_due_work(committed_tenant) == {"test.outside": [Outcome.DONE]}
    assert seen == [False]


def test_the_heartbeat_keeps_a_job_that_is_longer_than_its_lease(
    committed_tenant: TenantRef, job: Register
) -> None:
    lived: list[bool] = []

    def long(work: Work) -> None:
        for _ in range(12):
            time.sleep(0.3)
            with cell_transaction(committed_tenant.cell) as cursor:
                cursor.execute(
                    "SELECT lease_expires_at > statement_timestamp() FROM tenants_workitem WHERE id = %s",
                    [work.id],
                )
                lived.append(cursor.fetchone()[0])

    job("test.long", lease_seconds=2.5)(long)
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.long")

    assert run_due_work(committed_tenant) == {"test.long": [Outcome.DONE]}
    assert lived == [True] * 12


def test_a_job_that_overruns_its_time_loses_its_lease(committed_tenant: TenantRef, job: Register) -> None:
    def endless(work: Work) -> None:
        while True:
            time.sleep(0.05)
            work.heartbeat()

    job("test.endless", time_limit_seconds=0.2)(endless)
    with tenant_scope(committed_tenant), atomic():
        enqueue("test.endless")

    assert run_due_work(committed_tenant) == {"test.endless": [Outcome.LOST]}
    assert states_of_work(committed_tenant, "test.%") == ["running"]


def test_two_jobs_may_not_have_the_same_kind(job: Register) -> None:
    job("test.twice")(lambda work: None)

    def another(work: Work) -> None:
        return None

    with pytest.raises(ValueError, match=r"test\.twice"):
        job("test.twice")(another)
