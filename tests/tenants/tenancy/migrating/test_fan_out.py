"""A release reaches all companies: canaries first, nobody waits for another, a killed run goes on where it was."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
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
from tests.tenants.tenancy.migrating.conftest import KEY, Fleet, MakeFleet, rendered

ROOT = Path(__file__).resolve().parents[4]
ADD = "ALTER TABLE item ADD COLUMN tried integer; INSERT INTO item DEFAULT VALUES;"


def spoil(tenant: Tenant) -> None:
    """Make the migration fail in this company."""
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{tenant.schema}".item ADD COLUMN tried integer')


def mend(tenant: Tenant) -> None:
    with owner_connection("cell_1_owner") as owner:
        owner.execute(f'ALTER TABLE "{tenant.schema}".item DROP COLUMN tried')


def in_a_thread() -> None:
    try:
        migrate_tenants(workers=1)
    finally:
        connections.close_all()


def start_command() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate_tenants", "--workers", "2"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def all_is_done_once(fleet: Fleet) -> None:
    assert fleet.migrated() == fleet.slugs
    assert fleet.changed() == fleet.slugs
    assert [fleet.rows(tenant) for tenant in fleet.tenants] == [1] * len(fleet.tenants)
    assert pending_migrations("cell_1") == {}


def test_everybody_is_migrated_and_a_second_run_finds_nothing(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(12)
    with rendered(ADD):
        report = migrate_tenants(workers=3)
        assert sorted(report.migrated) == sorted(fleet.slugs)
        assert migrate_tenants().migrated == []
    all_is_done_once(fleet)


def test_a_run_killed_in_the_middle_goes_on_where_it_was(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(40)
    with rendered(f"SELECT pg_sleep(0.05); {ADD}"):
        process = start_command()
        try:
            deadline = time.monotonic() + 60
            while len(fleet.migrated()) < 8 and time.monotonic() < deadline:
                assert process.poll() is None, "the command ended before it could be killed"
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        reached = fleet.migrated()
        assert 8 <= len(reached) < 40
        assert set(reached) == set(fleet.changed())
        report = migrate_tenants(workers=4)
        assert not report.failed
        assert (
            len(report.migrated) >= 40 - len(reached) - 2
        )  # the server may have finished what it had been sent
    all_is_done_once(fleet)


def test_two_runs_at_once_share_the_work(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(24)
    with rendered(f"SELECT pg_sleep(0.02); {ADD}"):
        other = start_command()
        try:
            while not fleet.migrated() and other.poll() is None:
                time.sleep(0.02)
            report = migrate_tenants(workers=2)
        finally:
            code = other.wait(timeout=60)
        assert code == 0
        assert not report.failed
        assert 0 < len(report.migrated) < 24
    all_is_done_once(fleet)


def test_when_a_canary_fails_nobody_else_is_begun(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(5)
    spoil(fleet.tenants[1])
    with rendered(ADD):
        report = migrate_tenants(canaries=["fleet-1", "fleet-2"])
    assert list(report.failed) == ["fleet-1"]
    assert report.migrated == ["fleet-2"]
    assert sorted(report.held_back) == ["fleet-0", "fleet-3", "fleet-4"]
    assert fleet.migrated() == ["fleet-2"]


def test_without_named_canaries_the_newest_company_goes_first(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(4)
    spoil(fleet.tenants[-1])
    with rendered(ADD):
        report = migrate_tenants()
    assert report.canaries == ["fleet-3"]
    assert fleet.migrated() == []


def test_a_canary_nobody_knows_is_refused(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(1)
    with rendered(ADD), pytest.raises(NotFound, match="fleet-9"):
        migrate_tenants(canaries=["fleet-9"])
    assert fleet.migrated() == []


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


def test_after_enough_failures_nothing_new_is_begun(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(10)
    for tenant in fleet.tenants[:9]:
        spoil(tenant)
    with rendered(ADD):
        report = migrate_tenants(workers=1, stop_after=3)
    assert report.migrated == ["fleet-9"]  # the canary
    assert len(report.failed) == 3
    assert len(report.held_back) == 6


def test_a_long_reader_of_one_company_keeps_nobody_else_waiting(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "100ms")
    fleet = make_fleet(8)
    read = fleet.tenants[3]
    with rendered(ADD), owner_connection("cell_1_owner") as reader:
        reader.execute(f'SELECT count(*) FROM "{read.schema}".item')
        released = threading.Timer(1.0, reader.rollback)
        released.start()
        began = time.monotonic()
        run = threading.Thread(target=in_a_thread)
        run.start()
        while len(fleet.migrated()) < 7:
            assert time.monotonic() - began < 0.9, "the others waited for the reader"
            time.sleep(0.02)
        assert read.slug not in fleet.migrated()
        run.join()
        released.join()
    all_is_done_once(fleet)


def test_who_waits_for_a_lock_gives_up_before_others_queue_behind_it(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(
        one_tenant, "random", type("Even", (), {"uniform": staticmethod(lambda _a, _b: 0.05)})
    )
    fleet = make_fleet(1)
    with rendered(ADD), owner_connection("cell_1_owner") as reader:
        reader.execute(f'SELECT count(*) FROM "{fleet.tenants[0].schema}".item')
        report = migrate_tenants()
        assert "lock timeout" in report.failed["fleet-0"]
        assert report.retries >= 4
    assert fleet.changed() == []


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
