"""What is told of runs is kept for a quarter of a year, the newest for ever; open runs are never touched."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import CallTally, Connection, SyncChange, SyncedCollection, SyncRun, SyncRunLog
from integrations.sync import keeping
from integrations.sync.keeping import forget_old_runs
from integrations.sync.tally import Count, add_counts, this_hour
from tenants.tenancy import TenantRef

LONG_AGO = timedelta(days=91)


@pytest.fixture
def connection(tenant: TenantRef) -> Connection:
    return Connection.objects.create(connector="notion", name="North", account_id="a", workspace_id="w")


def run_of(connection: Connection, *, age: timedelta, **values: Any) -> SyncRun:
    given = {"kind": "full", "trigger": "schedule", "state": "succeeded"} | values
    return SyncRun.objects.create(connection=connection, finished_at=timezone.now() - age, **given)


def test_old_runs_go_with_all_that_hangs_on_them(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_AT_LEAST", 2)
    collection = SyncedCollection.objects.create(connection=connection, remote_id="c")
    old = run_of(connection, age=LONG_AGO)
    SyncRunLog.objects.create(run=old, message="Read.")
    SyncChange.objects.create(run=old, collection=collection, side="here", action="created")
    held = run_of(connection, age=LONG_AGO, state="waiting", kind="poll")
    recent = run_of(connection, age=timedelta(days=89))
    newest = [run_of(connection, age=LONG_AGO) for _ in range(2)]
    assert forget_old_runs(connection) == 1
    assert set(SyncRun.objects.all()) == {held, recent, *newest}
    assert not SyncRunLog.objects.exists()
    assert not SyncChange.objects.exists()


def test_tallies_are_kept_for_a_month(connection: Connection) -> None:
    for days in (1, 36):
        add_counts(connection.pk, {(this_hour() - timedelta(days=days), "search", "import"): Count(calls=1)})
    forget_old_runs(connection)
    assert CallTally.objects.count() == 1


def test_it_goes_on_the_next_night(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEPT_AT_LEAST", 0)
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    for _ in range(3):
        run_of(connection, age=LONG_AGO)
    assert [forget_old_runs(connection) for _ in range(3)] == [2, 1, 0]
