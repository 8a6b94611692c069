"""A release reaches all companies, or says of each why it did not."""

import io
import json
import threading
from collections.abc import Sequence

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from tenants.foundation.errors import NotFound
from tenants.models import MigrationFailure, Tenant
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrating import one_tenant
from tenants.tenancy.migrating.status import migration_status
from tenants.tenancy.migrations import (
    MigrationFailed,
    migrate_tenant,
    migrate_tenants,
    pending_migrations,
    schema_lock,
)
from tenants.tenancy.provisioning import record_migrations
from tenants.tenancy.template import Key, tenant_plan
from tests.tenants.tenancy.absent_cell import cell_away
from tests.tenants.tenancy.migrating.conftest import (
    ADD,
    KEY,
    MakeFleet,
    all_is_done_once,
    mend,
    rendered,
    spoil,
)


def test_everybody_is_migrated_and_a_second_run_finds_nothing(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(12)
    with rendered(ADD):
        report = migrate_tenants(workers=3)
        assert sorted(report.migrated) == sorted(fleet.slugs)
        assert migrate_tenants().migrated == []
    all_is_done_once(fleet)


def test_a_failing_company_is_written_down_until_it_succeeds_and_the_others_go_on(
    make_fleet: MakeFleet,
) -> None:
    fleet = make_fleet(6)
    bad = fleet.tenants[2]
    spoil(bad)
    with rendered(ADD):
        for run in (1, 2):
            report = migrate_tenants()
            assert list(report.failed) == [bad.slug]
            [failure] = migration_status().failed
            assert (failure["tenant"], failure["runs"]) == (bad.slug, run)
            assert failure["migration"] == "tasks.0001_initial"
            assert "already exists" in failure["error"]
        assert fleet.migrated() == [slug for slug in fleet.slugs if slug != bad.slug]
        mend(bad)
        assert migrate_tenants().migrated == [bad.slug]
    assert not MigrationFailure.objects.exists()
    all_is_done_once(fleet)


def test_companies_are_left_alone_or_not_by_their_state(make_fleet: MakeFleet) -> None:
    left = {Tenant.State.MOVING, Tenant.State.DELETED}
    states = list(Tenant.State)
    fleet = make_fleet(len(states))
    for tenant, state in zip(fleet.tenants, states, strict=True):
        Tenant.objects.filter(pk=tenant.pk).update(state=state)
    with rendered(ADD):
        report = migrate_tenants()
        moving = fleet.tenants[states.index(Tenant.State.MOVING)]
        assert report.deferred == [moving.slug]
        expected = [t.slug for t, state in zip(fleet.tenants, states, strict=True) if state not in left]
        assert fleet.migrated() == expected
        total = migration_status(["cell_1"]).cells["cell_1"]
        assert (total["behind"], total["moving"], total["without_schema"]) == (0, 1, 0)
        assert moving.slug in report.what_is_left
        assert not report.is_complete
        # A move brings it up to date before it begins.
        assert migrate_tenant(moving) == 1
    assert moving.slug in fleet.migrated()


def test_a_move_at_its_end_is_waited_for(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(2)
    moving = Tenant.objects.filter(pk=fleet.tenants[0].pk)
    moving.update(state=Tenant.State.MOVING)

    def arrive() -> None:
        try:
            moving.update(state=Tenant.State.ACTIVE)
        finally:
            connections.close_all()

    timer = threading.Timer(0.3, arrive)
    with rendered(ADD):
        timer.start()
        report = migrate_tenants(patience_seconds=10)
        timer.join()
    assert report.is_complete
    assert sorted(report.migrated) == fleet.slugs
    assert report.seconds < 5


def test_who_changed_cells_while_it_was_migrated_gets_it_in_the_new_place_too(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, _ = make_fleet(2).tenants
    plain = one_tenant.Worker.migrate

    def migrate_and_move(worker: one_tenant.Worker, tenant: Tenant, keys: Sequence[Key]) -> int:
        done = plain(worker, tenant, keys)
        if tenant.pk == moved.pk and tenant.cell == "cell_1":
            copy_to_cell_2(tenant)
            Tenant.objects.filter(pk=tenant.pk).update(cell="cell_2")
        return done

    monkeypatch.setattr(one_tenant.Worker, "migrate", migrate_and_move)
    try:
        with rendered(ADD):
            report = migrate_tenants()
            assert pending_migrations("cell_2").get(moved.pk) is None
        assert sorted(report.migrated) == ["fleet-0", "fleet-1"]
        assert report.is_complete
    finally:
        with owner_connection("cell_2_owner") as owner:
            owner.execute(f'DROP SCHEMA IF EXISTS "{moved.schema}" CASCADE')
            owner.execute("DELETE FROM tenants_migrationledger WHERE tenant_id = %s", [moved.pk])


def copy_to_cell_2(tenant: Tenant) -> None:
    """As a move would have left it that copied the company before it was migrated."""
    with owner_connection("cell_2_owner") as owner:
        owner.execute(f'CREATE SCHEMA "{tenant.schema}"')
        owner.execute(f'CREATE TABLE "{tenant.schema}".item (id bigint GENERATED ALWAYS AS IDENTITY)')
        record_migrations(owner, tenant.pk, [key for key in tenant_plan() if key != KEY])


def test_a_cell_that_does_not_answer_is_named_and_stops_no_other(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(2)
    with rendered(ADD), cell_away("cell_2"):
        status = io.StringIO()
        with pytest.raises(CommandError, match="cell_2"):
            call_command("migrate_tenants", "--status", "--json", stdout=status)
        told = json.loads(status.getvalue())
        assert list(told["unreachable"]) == ["cell_2"]
        assert told["cells"]["cell_1"]["behind"] == 2
        with pytest.raises(CommandError, match="cell_2"):
            call_command("migrate_tenants", "--dry-run", stdout=io.StringIO())
        report = migrate_tenants()
        assert sorted(report.migrated) == fleet.slugs
        assert list(report.unreachable) == ["cell_2"]
        assert not report.is_complete
        assert "The cell cell_2 does not answer" in report.what_is_left
        assert migration_status(["cell_1"]).as_json()["is_up_to_date"] is True
    all_is_done_once(fleet)


def test_while_a_schema_is_being_copied_it_does_not_change(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(
        one_tenant, "random", type("Even", (), {"uniform": staticmethod(lambda _a, _b: 0.05)})
    )
    fleet = make_fleet(1)
    with rendered(ADD), owner_connection("cell_1_owner") as copier:
        copier.execute("SELECT pg_advisory_lock(%s)", [schema_lock(fleet.tenants[0].pk)])
        copier.commit()
        assert list(migrate_tenants().failed) == ["fleet-0"]
        assert fleet.changed() == []


def test_a_ledger_row_of_nobody_is_nobodys_business(make_fleet: MakeFleet) -> None:
    """Spares have a ledger before they have a tenant."""
    fleet = make_fleet(2)
    spare = fleet.tenants[1]
    Tenant.objects.filter(pk=spare.pk).delete()
    with rendered(ADD):
        assert migrate_tenants().migrated == [fleet.tenants[0].slug]
    assert fleet.changed() == [fleet.tenants[0].slug]


def test_only_those_that_were_named_are_migrated(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(3)
    with rendered(ADD):
        assert migrate_tenants(slugs=["fleet-1"]).migrated == ["fleet-1"]
        with pytest.raises(NotFound):
            migrate_tenants(slugs=["nobody-of-that-name"])
    assert fleet.migrated() == ["fleet-1"]


def test_the_status_counts_by_cell_by_migration_and_by_version(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(3)
    before = migration_status().as_json()
    assert before["pending"] == {".".join(KEY): 3}
    assert before["cells"]["cell_1"]["behind"] == 3
    assert {"migrations": before["migrations"] - 1, "lacks": [".".join(KEY)], "tenants": 3} in before[
        "versions"
    ]
    assert before["is_up_to_date"] is False
    with rendered(ADD):
        migrate_tenants()
    after = migration_status().as_json()
    assert after["is_up_to_date"] is True
    assert after["pending"] == {}
    assert [version["lacks"] for version in after["versions"]] == [[]]
    assert sum(version["tenants"] for version in after["versions"]) >= len(fleet.tenants)


def test_an_error_in_one_of_several_migrations_undoes_them_all(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    second = ("integrations", "0001_initial")
    with owner_connection("cell_1_owner") as owner:
        owner.execute(
            "DELETE FROM tenants_migrationledger WHERE tenant_id = %s AND app = %s",
            [fleet.tenants[0].pk, second[0]],
        )
    with rendered(ADD), rendered("SELECT 1/0", key=second), pytest.raises(MigrationFailed, match="division"):
        migrate_tenant(fleet.tenants[0])
    assert fleet.changed() == []
    assert fleet.migrated() == []
