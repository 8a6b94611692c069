"""A company is moved to another cell and back: with everything it has, and with nothing left behind."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction
from pytest_django import Settings

from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import create_task
from tenants.accounts.access import SYSTEM
from tenants.accounts.models import Department, User
from tenants.foundation.errors import Conflict, InvalidInput, NotFound
from tenants.lifecycle.moving import drop_copies_of, drop_old_copies, kept_copies, start_move, undo_move
from tenants.lifecycle.operations import Run
from tenants.models import Operation, Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.audit import audit_schemas
from tenants.tenancy.backend.whereabouts import is_moving
from tenants.tenancy.cells import choose_cell, hold_room, places_taken
from tenants.tenancy.positions import positions
from tests.tenants.lifecycle.moving.conftest import Mover
from tests.tenants.lifecycle.moving.places import place_of, stands_in, traces_of

pytestmark = pytest.mark.usefixtures("committed_tenant")


def home(tenant: TenantRef) -> TenantRef:
    return Tenant.objects.get(pk=tenant.id).ref


def make_tasks(tenant: TenantRef, count: int) -> list[Task]:
    with tenant_scope(tenant), atomic():
        return [
            create_task(
                changes=TaskChanges(title=f"Crane {number}", due_on=date(2026, 1, 1 + number)), actor=SYSTEM
            )
            for number in range(count)
        ]


def test_a_company_is_moved_with_all_its_rows(mover: Mover) -> None:
    made = make_tasks(mover.tenant, 3)
    done = mover.move()
    assert done.state == Operation.State.SUCCEEDED
    assert done.result["rows"] > 3
    assert done.result["tables"] > 20
    assert 0 < done.result["read_only_seconds"] < 5
    there = home(mover.tenant)
    assert (there.cell, there.state) == ("cell_2", "active")
    with tenant_scope(there), atomic():
        assert {task.pk for task in Task.objects.all()} == {task.pk for task in made}
        assert sorted(Task.objects.values_list("key", flat=True)) == sorted(task.key for task in made)
        assert User.objects.filter(email=f"owner@{there.slug}.example").exists()


def test_work_goes_on_in_the_new_place_and_numbers_go_on_where_they_were(mover: Mover) -> None:
    before = make_tasks(mover.tenant, 2)
    mover.move()
    after = make_tasks(home(mover.tenant), 2)
    assert len({task.key for task in (*before, *after)}) == 4


def test_the_region_goes_by_the_new_cell(mover: Mover) -> None:
    mover.move()
    assert Tenant.objects.get(pk=mover.tenant.id).region == "elsewhere"


def test_nobody_gets_into_the_old_place(mover: Mover) -> None:
    mover.move()
    for use in (Department.objects.count, lambda: Department.objects.create(name="Quay", key="Q")):
        with pytest.raises(OperationalError) as refused, tenant_scope(mover.tenant), atomic():
            use()
        assert is_moving(refused.value)


def test_a_company_that_moves_back_brings_along_what_it_wrote_meanwhile(mover: Mover) -> None:
    make_tasks(mover.tenant, 1)
    mover.move()
    make_tasks(home(mover.tenant), 2)
    mover.move("cell_1")
    there = home(mover.tenant)
    assert there.cell == "cell_1"
    with tenant_scope(there), atomic():
        assert Task.objects.count() == 3
    make_tasks(there, 1)


def test_a_move_leaves_nothing_of_its_own_behind(mover: Mover) -> None:
    before = place_of(mover.tenant, "cell_1")
    mover.move()
    assert traces_of(mover.tenant, "cell_1") == traces_of(mover.tenant, "cell_2") == []
    assert place_of(mover.tenant, "cell_2") == before
    assert not mover.shared_rows("cell_1")


def test_a_finished_move_is_undone_by_a_move_back(mover: Mover) -> None:
    mover.move()
    make_tasks(home(mover.tenant), 1)
    done = undo_move(slug=mover.tenant.slug, asked_by="test")
    assert (done.state, done.input["to"]) == (Operation.State.SUCCEEDED, "cell_1")
    with tenant_scope(home(mover.tenant)), atomic():
        assert Task.objects.count() == 1


def test_what_never_moved_cannot_be_moved_back(mover: Mover) -> None:
    with pytest.raises(NotFound):
        undo_move(slug=mover.tenant.slug, asked_by="test")


def test_the_old_place_is_kept_for_some_days_and_then_dropped(mover: Mover) -> None:
    done = mover.move(keep_days=3)
    assert stands_in(mover.tenant, "cell_1")
    (copy,) = kept_copies(tenant_id=mover.tenant.id)
    assert copy.kept_until is not None
    assert copy.operation_id == done.pk
    drop_old_copies()
    assert stands_in(mover.tenant, "cell_1")
    assert drop_old_copies(now=copy.kept_until) == 1
    assert not stands_in(mover.tenant, "cell_1")
    assert not kept_copies(tenant_id=mover.tenant.id)
    make_tasks(home(mover.tenant), 1)


def test_nothing_is_kept_where_nothing_is_to_be_kept(mover: Mover) -> None:
    mover.move(keep_days=0)
    assert not stands_in(mover.tenant, "cell_1")
    assert not kept_copies(tenant_id=mover.tenant.id)


def test_a_deletion_drops_every_copy_but_never_the_place_a_company_lives_in(mover: Mover) -> None:
    mover.move()
    mover.move("cell_1")
    assert drop_copies_of(mover.tenant.id) == 1
    assert stands_in(mover.tenant, "cell_1")
    assert not stands_in(mover.tenant, "cell_2")


@pytest.mark.parametrize("state", ["provisioning", "pending_deletion", "deleted"])
def test_a_company_that_cannot_be_moved_has_no_operation_begun(mover: Mover, state: str) -> None:
    tenants = Tenant.objects.filter(pk=mover.tenant.id)
    tenants.update(state=state)
    try:
        with pytest.raises(Conflict) as refused:
            start_move(slug=mover.tenant.slug, to="cell_2", asked_by="Test", may_change_region=True)
    finally:
        tenants.update(state="active")
    assert refused.value.code == "moves.state"
    assert not Operation.objects.filter(tenant_id=mover.tenant.id, kind="move").exists()


@pytest.mark.parametrize(
    ("to", "error", "code"),
    [("cell_9", InvalidInput, "moves.unknown_cell"), ("cell_1", Conflict, "moves.already_there")],
)
def test_a_move_needs_another_cell(mover: Mover, to: str, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as refused:
        mover.move(to)
    assert getattr(refused.value, "code", "") == code


def test_a_company_changes_its_region_only_where_that_is_asked_for(mover: Mover) -> None:
    with pytest.raises(Conflict) as refused:
        start_move(slug=mover.tenant.slug, to="cell_2", asked_by="test")
    assert refused.value.code == "moves.other_region"


def test_a_company_on_its_way_has_its_place_and_no_other_gets_it(mover: Mover, settings: Settings) -> None:
    policy = settings.CELL_POLICIES["cell_2"].model_copy(update={"most_tenants": 1})
    settings.CELL_POLICIES = {**settings.CELL_POLICIES, "cell_2": policy}
    refused: list[str] = []

    def come(run: Run) -> None:
        try:
            choose_cell("elsewhere")
        except Conflict as error:
            refused.append(error.code)
        with transaction.atomic(using="default"):
            assert not hold_room("cell_2")
            assert hold_room("cell_2", move=run.operation.pk)

    def stay(_run: Run) -> None:
        assert places_taken()["cell_2"] == 1

    mover.before("copy", come)
    mover.before("clean", stay)
    assert mover.move().state == Operation.State.SUCCEEDED
    assert refused == ["cells.none_open"]


def test_one_move_at_a_time(mover: Mover) -> None:
    operation = start_move(slug=mover.tenant.slug, to="cell_2", asked_by="test", may_change_region=True)
    with pytest.raises(Conflict):
        start_move(slug=mover.tenant.slug, to="cell_2", asked_by="test", may_change_region=True)
    mover.undo(operation)


def test_the_command_tells_what_was_moved(mover: Mover) -> None:
    out = StringIO()
    call_command("move_tenant", mover.tenant.slug, to="cell_2", change_region=True, json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["state"], told["from"], told["to"]) == ("succeeded", "cell_1", "cell_2")
    assert told["bytes"] > 0
    assert told["read_only_seconds"] < 5
    call_command("move_tenant", mover.tenant.slug, undo=True, stdout=out)
    assert "lives in cell_1" in out.getvalue()


def test_the_command_says_why_it_does_nothing(mover: Mover) -> None:
    with pytest.raises(CommandError, match="is in the region"):
        call_command("move_tenant", mover.tenant.slug, to="cell_2")


def test_a_replica_of_the_new_cell_must_have_what_the_move_wrote(mover: Mover) -> None:
    """It may have the rows of a former stay, which are older than what was acknowledged since."""
    mover.move()
    first = positions.of("cell_2", mover.tenant.id)
    mover.move("cell_1")
    mover.move()
    second = positions.of("cell_2", mover.tenant.id)
    assert first is not None
    assert second is not None
    assert second > first


def test_the_audit_of_schemas_leaves_out_who_is_being_moved(mover: Mover) -> None:
    left_out: list[str] = []
    mover.before("quiet", lambda _run: left_out.extend(audit_schemas(["cell_1"], is_evidence=False).left_out))
    mover.move()
    assert left_out == [mover.tenant.slug]
    assert mover.tenant.slug not in audit_schemas(["cell_2"], is_evidence=False).left_out
