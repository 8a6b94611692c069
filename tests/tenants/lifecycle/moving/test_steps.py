"""What happens at each step of a move: who is let through, who is kept waiting, and what is left when it is undone."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.test import Client

from tenants.accounts.models import Department, User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict
from tenants.lifecycle.moving import STEPS, copying
from tenants.lifecycle.moving.switching import SETTLE_SECONDS
from tenants.lifecycle.operations import Run, abandon
from tenants.models import Domain, Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.directory import LOOK_SECONDS
from tenants.tenancy.migrations import schema_lock
from tests.people import signed_in_client
from tests.tenants.lifecycle.moving.conftest import Mover
from tests.tenants.lifecycle.moving.places import place_of, stands_in, traces_of

REVERSIBLE = [step.name for step in STEPS if step.name not in {"open", "clean"}]


def add(tenant: TenantRef, name: str) -> None:
    with tenant_scope(tenant), atomic():
        Department.objects.create(name=name, key=name[:8])


def names(tenant: TenantRef) -> set[str]:
    with tenant_scope(tenant), atomic():
        return set(Department.objects.values_list("name", flat=True))


def home(tenant: TenantRef) -> TenantRef:
    return Tenant.objects.get(pk=tenant.id).ref


def refuse(_run: Run) -> None:
    raise Conflict("Not today.")


def owner_client(tenant: TenantRef) -> Client:
    """A browser in which the company's owner is signed in."""
    with tenant_scope(tenant), atomic():
        owner = actor_for(User.objects.get(email=f"owner@{tenant.slug}.example"))
        return signed_in_client(Domain.objects.get(tenant_id=tenant.id).host, owner)


@pytest.mark.parametrize("step", REVERSIBLE)
def test_undone_at_any_step_the_company_is_as_it_was(mover: Mover, step: str) -> None:
    add(mover.tenant, "Harbour")
    before, rows = place_of(mover.tenant, "cell_1"), mover.work_items("cell_1")
    mover.after(step, refuse)
    done = mover.move_or_undo()
    assert done.state == Operation.State.UNDONE
    assert "Not today" in done.error
    assert home(mover.tenant) == mover.tenant
    assert place_of(mover.tenant, "cell_1") == before
    assert traces_of(mover.tenant, "cell_1") == []
    assert not stands_in(mover.tenant, "cell_2")
    assert not mover.shared_rows("cell_2")
    assert mover.work_items("cell_1") == rows
    assert not mover.is_paused("cell_1")
    add(mover.tenant, "Quay")
    assert names(mover.tenant) == {"Harbour", "Quay"}


def test_past_the_opening_a_move_is_finished_whatever_happens(mover: Mover) -> None:
    mover.before("clean", refuse)
    operation = mover.move_or_undo()
    assert operation.state == Operation.State.RUNNING
    with pytest.raises(Conflict):
        abandon(operation.pk, reason="Too late.")
    assert home(mover.tenant).cell == "cell_2"
    add(home(mover.tenant), "Quay")
    mover.looks.clear()
    assert mover.go_on(operation).state == Operation.State.SUCCEEDED
    assert names(home(mover.tenant)) == {"Quay"}


def test_behind_the_wall_everything_is_read_and_nothing_written(mover: Mover) -> None:
    add(mover.tenant, "Harbour")
    client = owner_client(mover.tenant)
    seen: dict[str, Any] = {}

    def look(_run: Run) -> None:
        seen["names"] = names(mover.tenant)
        with pytest.raises(OperationalError) as refused:
            add(mover.tenant, "Quay")  # by who has not heard of it: the database refuses
        seen["is_moving"] = is_moving(refused.value)
        seen["page"] = client.get("/").status_code
        answer = client.post("/tasks/new/", {"title": "Quay"})
        seen["write"], seen["wait"] = answer.status_code, answer.headers.get("Retry-After")

    mover.before("hand_over", look)
    mover.move()
    assert seen == {"names": {"Harbour"}, "is_moving": True, "page": 200, "write": 503, "wait": "2"}
    assert names(home(mover.tenant)) == {"Harbour"}


def test_who_was_signed_in_stays_signed_in(mover: Mover) -> None:
    client = owner_client(mover.tenant)
    mover.move()
    assert client.get("/").status_code == 200


def test_what_changes_while_it_is_copied_comes_along(mover: Mover) -> None:
    for name in ("One", "Two", "Three"):
        add(mover.tenant, name)

    def change(_run: Run) -> None:
        with tenant_scope(mover.tenant), atomic():
            one, two = Department.objects.get(name="One"), Department.objects.get(name="Two")
            Department.objects.filter(name="Three").delete()
            # Two unique names change places: whichever came first would be in the other's way.
            Department.objects.filter(pk=one.pk).update(name="Three")
            Department.objects.filter(pk=two.pk).update(name="One")
            Department.objects.filter(pk=one.pk).update(name="Two")
        add(mover.tenant, "Four")

    mover.before("follow", change)
    mover.before("quiet", lambda _run: add(mover.tenant, "Five"))
    mover.before("fence", lambda _run: add(mover.tenant, "Six"))
    mover.move()
    assert names(home(mover.tenant)) == {"One", "Two", "Four", "Five", "Six"}


def test_a_row_that_differs_stops_the_move(mover: Mover) -> None:
    add(mover.tenant, "Harbour")

    def spoil(_run: Run) -> None:
        with owner_connection("cell_2_owner") as owner:
            owner.execute(
                f"UPDATE \"{mover.tenant.schema}\".accounts_department SET name = 'Harbor'".encode()
            )

    mover.before("hand_over", spoil)
    done = mover.move_or_undo()
    assert done.state == Operation.State.UNDONE
    assert "accounts_department" in done.error
    assert home(mover.tenant) == mover.tenant


@pytest.mark.parametrize("step", ["hand_over", "flip"])
def test_a_migration_in_between_stops_the_move(mover: Mover, step: str) -> None:
    def migrate(_run: Run) -> None:
        ask_nothing(
            "cell_1",
            "INSERT INTO tenants_migrationledger (id, tenant_id, app, name, applied_at)"
            " VALUES (gen_random_uuid(), %s, 'tasks', '9999_later', now())",
            [mover.tenant.id],
        )

    mover.before(step, migrate)
    done = mover.move_or_undo()
    assert done.state == Operation.State.UNDONE
    assert "migrated while" in done.error
    add(mover.tenant, "Harbour")
    assert not mover.is_paused("cell_1")


def test_a_migration_under_way_when_the_doors_are_shut_is_given_way_to(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BRIEFLY_MILLISECONDS", 100)
    with owner_connection("cell_1_owner") as migrating:

        def begin(_run: Run) -> None:
            migrating.execute("SELECT pg_advisory_xact_lock_shared(%s)", [schema_lock(mover.tenant.id)])

        mover.before("flip", begin)
        operation = mover.move_or_undo()
        assert operation.state == Operation.State.RUNNING
        assert home(mover.tenant) == mover.tenant
        add(mover.tenant, "Harbour")
    mover.looks.clear()
    assert mover.go_on(operation).state == Operation.State.SUCCEEDED
    assert names(home(mover.tenant)) == {"Harbour"}


def ask_nothing(cell: str, statement: str, values: Any) -> None:
    with owner_connection(f"{cell}_owner") as owner:
        owner.execute(statement.encode(), values)


class Slow:
    """A transaction of the company that has written and does not end until it is told to."""

    def __init__(self, tenant: TenantRef) -> None:
        self.tenant = tenant
        self.has_written, self.may_end = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        try:
            with tenant_scope(self.tenant), atomic():
                Department.objects.create(name="Slow", key="S")
                self.has_written.set()
                self.may_end.wait(30)
        finally:
            connections.close_all()

    def start(self, _run: Any = None) -> None:
        self.thread.start()
        assert self.has_written.wait(10)


def test_who_was_writing_when_the_wall_went_up_is_waited_for(mover: Mover) -> None:
    slow = Slow(mover.tenant)

    def begin(_run: Run) -> None:
        slow.start()
        threading.Timer(0.7, slow.may_end.set).start()

    mover.before("fence", begin)
    mover.move()
    slow.thread.join()
    assert "Slow" in names(home(mover.tenant))


def test_who_writes_for_too_long_is_given_way_to(mover: Mover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.lifecycle.moving.steps.DRAIN_SECONDS", 0.2)
    monkeypatch.setattr("tenants.lifecycle.moving.steps.FENCE_REST_SECONDS", 0.1)
    slow = Slow(mover.tenant)
    mover.before("fence", slow.start)
    done = mover.move_or_undo()
    # The triggers cannot be taken away under its hands either; the company is at work all the same.
    assert done.state == Operation.State.UNDOING
    assert "takes too long" in done.error
    assert home(mover.tenant) == mover.tenant
    add(mover.tenant, "Quick")
    slow.may_end.set()
    slow.thread.join()
    assert mover.go_on(done).state == Operation.State.UNDONE
    assert names(home(mover.tenant)) == {"Slow", "Quick"}


def test_a_company_that_is_read_only_is_so_again(mover: Mover, set_state: Callable[..., None]) -> None:
    set_state("read_only", reason="It is audited.")
    mover.move()
    tenant = Tenant.objects.get(pk=mover.tenant.id)
    assert (tenant.cell, tenant.state, tenant.state_reason) == ("cell_2", "read_only", "It is audited.")


def test_a_suspended_company_is_moved_without_opening_a_door(
    mover: Mover, set_state: Callable[..., None]
) -> None:
    set_state("suspended")
    states = []
    mover.before("open", lambda _run: states.append(home(mover.tenant).state))
    mover.move()
    assert [*states, home(mover.tenant).state] == ["suspended", "suspended"]


def test_every_process_has_time_to_know_before_anybody_writes(
    mover: Mover, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not heard of the flip reads the old place, which must not be older than the new one until then."""
    monkeypatch.setattr("tenants.lifecycle.moving.switching.SETTLE_SECONDS", SETTLE_SECONDS)
    seen: list[float] = []
    mover.before("flip", lambda _run: seen.append(time.monotonic()))
    mover.before("open", lambda _run: seen.append(time.monotonic()))
    mover.move()
    assert seen[1] - seen[0] > LOOK_SECONDS
