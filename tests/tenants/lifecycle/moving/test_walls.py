"""The database holds up whoever has not heard of a move, and every door makes the same of it."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from tasks.drafts import TaskChanges
from tasks.services import create_task
from tenants.accounts.models import Department, User
from tenants.accounts.selectors import actor_for
from tenants.dispatch import Work, enqueue, registry, tenant_job
from tenants.dispatch.running import Outcome, run_item
from tenants.lifecycle import keeping_alive
from tenants.lifecycle.moving import comparing, steps, work_items
from tenants.lifecycle.moving.places import move_of
from tenants.lifecycle.moving.switching import doors_before, live_in, shut_doors
from tenants.lifecycle.operations import OperationLost, Run
from tenants.models import Domain, Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.directory import directory
from tests.people import signed_in_client, token_client
from tests.tenants.lifecycle.moving.conftest import Mover
from tests.tenants.lifecycle.moving.places import ask

FALSIFY = """
CREATE FUNCTION "{schema}".falsify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.name := 'Nobody said so'; RETURN NEW; END $$;
CREATE TRIGGER falsify BEFORE INSERT ON "{schema}".accounts_department
    FOR EACH ROW EXECUTE FUNCTION "{schema}".falsify()
"""


def home(tenant: TenantRef) -> TenantRef:
    return Tenant.objects.get(pk=tenant.id).ref


def add(tenant: TenantRef, name: str) -> None:
    with tenant_scope(tenant), atomic():
        Department.objects.create(name=name, key=name[:8])


@pytest.fixture
def deaf(mover: Mover, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes this process one that has not heard of the move."""

    def forget(_run: Run) -> None:
        monkeypatch.setattr(directory, "by_host", lambda host: mover.tenant)
        monkeypatch.setattr(directory, "by_id", lambda tenant_id: mover.tenant)

    return forget


def test_every_door_says_try_again_to_who_has_not_heard_of_the_move(mover: Mover, deaf: Any) -> None:
    with tenant_scope(mover.tenant), atomic():
        owner = actor_for(User.objects.get(email=f"owner@{mover.tenant.slug}.example"))
        host = Domain.objects.get(tenant_id=mover.tenant.id).host
        browser: Client = signed_in_client(host, owner)
        program = token_client(host, owner)
        task = create_task(changes=TaskChanges(title="Paint the crane"), actor=owner)
    browser.raise_request_exception = program.raise_request_exception = False
    assert program.get("/api/v1/tasks/").status_code == 200
    seen: dict[str, Any] = {}

    def look(run: Run) -> None:
        deaf(run)
        seen["page"], seen["list"] = browser.get("/").status_code, program.get("/api/v1/tasks/").status_code
        form = browser.post(f"/tasks/{task.key}/archive/")
        seen["form"] = form.status_code, form.headers.get("Retry-After")
        answer = program.post("/api/v1/tasks/", {"title": "Quay"}, format="json")
        seen["call"] = (
            answer.status_code,
            answer.headers.get("Retry-After"),
            json.loads(answer.content)["code"],
        )

    mover.before("hand_over", look)
    mover.move()
    assert seen == {"page": 200, "list": 200, "form": (503, "2"), "call": (503, "2", "tenants.moving")}


def test_a_company_that_is_resumed_behind_the_wall_is_told_to_try_again(
    mover: Mover, set_state: Callable[..., None]
) -> None:
    with tenant_scope(mover.tenant), atomic():
        owner = actor_for(User.objects.get(email=f"owner@{mover.tenant.slug}.example"))
        program = token_client(Domain.objects.get(tenant_id=mover.tenant.id).host, owner)
    program.raise_request_exception = False
    set_state("suspended", "Unpaid.")
    seen: list[tuple[int, str | None]] = []

    def ask_for_a_task() -> None:
        answer = program.post("/api/v1/tasks/", {"title": "Quay"}, format="json")
        seen.append((answer.status_code, answer.headers.get("Retry-After")))

    def resume(_run: Run) -> None:
        set_state("active")
        directory.forget()
        ask_for_a_task()

    mover.before("hand_over", resume)
    mover.move()
    directory.forget()
    ask_for_a_task()
    assert seen == [(503, "2"), (201, None)]


def test_a_job_that_meets_the_wall_is_put_back_without_counting(mover: Mover, deaf: Any) -> None:
    @tenant_job("test.walled", max_attempts=1)
    def walled(work: Work) -> None:
        with atomic():
            Department.objects.create(name="Walled", key="W")
            work.finish()

    with tenant_scope(mover.tenant), atomic():
        enqueue("test.walled")
    query = "SELECT id, state, attempts FROM tenants_workitem WHERE tenant_id = %s AND kind = 'test.walled'"
    ((item, *_),) = ask("cell_1", query, [mover.tenant.id])
    outcomes: list[Outcome] = []

    def look(run: Run) -> None:
        deaf(run)
        outcomes.append(run_item("cell_1", UUID(str(item)), has_heartbeat=False))

    mover.before("hand_over", look)
    mover.move_or_undo()
    registry.discard("test.walled")
    assert outcomes == [Outcome.POSTPONED]
    assert ask("cell_2", query, [mover.tenant.id]) == [(item, "ready", 0)]


def test_where_comparing_all_takes_too_long_what_changed_last_is_compared(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "COMPARE_SECONDS", -1.0)

    def falsify(_run: Run) -> None:
        with owner_connection("cell_2_owner") as owner:
            owner.execute(FALSIFY.format(schema=mover.tenant.schema).encode())

    # The last round but one is compared as a whole, so what is to be found must come after it.
    mover.before("fence", falsify)
    monkeypatch.setattr(steps, "doors_before", changing(mover))
    done = mover.move_or_undo()
    assert done.state == Operation.State.UNDONE
    assert "accounts_department" in done.error
    monkeypatch.undo()


def changing(mover: Mover) -> Any:
    """Have something changed when the fence is just about to go up, after the round before it."""

    def change(move: Any) -> dict[str, str]:
        add(mover.tenant, "At the last moment")
        return doors_before(move)

    return change


def test_what_changed_last_is_enough_where_it_is_the_same(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "COMPARE_SECONDS", -1.0)
    monkeypatch.setattr(steps, "doors_before", changing(mover))
    assert mover.move().state == Operation.State.SUCCEEDED
    with tenant_scope(home(mover.tenant)), atomic():
        assert Department.objects.filter(name="At the last moment").exists()


def test_a_company_does_not_wait_behind_the_wall_for_a_server_that_is_away(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant_scope(mover.tenant), atomic():
        enqueue("test.later", slot="one")
    before = mover.work_items("cell_1")

    plain = work_items.put_in

    def lose(move: Any) -> int:
        plain(move)
        raise OperationalError("The server closed the connection unexpectedly.")

    monkeypatch.setattr(work_items, "put_in", lose)
    operation = mover.move_or_undo()
    assert operation.state == Operation.State.RUNNING
    assert home(mover.tenant) == mover.tenant
    assert mover.work_items("cell_1") == before
    assert not mover.is_paused("cell_1")
    add(mover.tenant, "Harbour")
    monkeypatch.setattr(work_items, "put_in", plain)
    assert mover.go_on(operation).state == Operation.State.SUCCEEDED
    assert [row[0] for row in mover.work_items("cell_2")] == [row[0] for row in before]
    with tenant_scope(home(mover.tenant)), atomic():
        assert Department.objects.filter(name="Harbour").exists()


def test_a_comparison_of_many_rows_does_not_cost_the_lease(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping_alive, "BEAT_SECONDS", 0.02)
    leases: list[datetime] = []

    def lease(move: Any) -> datetime:
        expires_at = Operation.objects.get(pk=move.run.operation.pk).lease_expires_at
        assert expires_at is not None
        return expires_at

    def compare(move: Any, *given: Any) -> int:
        began, until = lease(move), time.monotonic() + 10
        # Behind the wall nothing is begun that takes long.
        while not leases and lease(move) <= began:
            assert time.monotonic() < until, "nobody keeps the lease"
            time.sleep(0.01)
        leases.append(began)
        return comparing.compare_all(move, *given)

    monkeypatch.setattr(steps, "compare_all", compare)
    assert mover.move().state == Operation.State.SUCCEEDED
    assert leases


def test_a_process_that_goes_on_after_the_move_was_undone_sends_the_company_nowhere(mover: Mover) -> None:
    """It was stopped, its lease ran out, and another process has undone the move meanwhile."""
    stopped: list[Run] = []

    def look(run: Run) -> None:
        stopped.append(run)
        Operation.objects.filter(pk=run.operation.pk).update(lease_expires_at=timezone.now())
        mover.undo(run.operation)

    mover.before("flip", look)
    with pytest.raises(OperationLost):
        mover.move_or_undo()
    assert home(mover.tenant) == mover.tenant
    move = move_of(stopped[0])
    with pytest.raises(OperationLost):
        live_in(move, "cell_2")
    with pytest.raises(OperationLost):
        shut_doors(move, {"state": "active", "reason": ""})
    assert home(mover.tenant) == mover.tenant
    add(mover.tenant, "Harbour")
