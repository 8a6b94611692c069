"""Who goes first, and when nobody else is begun."""

import pytest

from tenants.foundation.errors import NotFound
from tenants.tenancy.migrations import (
    migrate_tenants,
)
from tests.tenants.tenancy.migrating.conftest import ADD, MakeFleet, rendered, spoil


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


def test_after_enough_failures_nothing_new_is_begun(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(10)
    for tenant in fleet.tenants[:9]:
        spoil(tenant)
    with rendered(ADD):
        report = migrate_tenants(workers=1, stop_after=3)
    assert report.migrated == ["fleet-9"]  # the canary
    assert len(report.failed) == 3
    assert len(report.held_back) == 6
