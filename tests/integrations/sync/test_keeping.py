"""What is told of runs is kept for a quarter of a year, the newest for ever; open runs are never touched."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import (
    CallTally,
    Conflict,
    Connection,
    ExternalLink,
    InboundEvent,
    SyncChange,
    SyncedCollection,
    SyncRun,
    SyncRunLog,
    WorkspaceDescription,
)
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace
from integrations.sync import keeping
from integrations.sync.keeping import forget_history, forget_old_runs
from integrations.sync.tally import Count, add_counts, this_hour
from tasks.drafts import TaskChanges
from tasks.services import create_task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due, run_due_work, states_of_work

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
    forget_history(heartbeat=lambda: None)
    assert CallTally.objects.count() == 1


def test_it_goes_on_until_nothing_old_is_left(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_AT_LEAST", 0)
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    monkeypatch.setattr(keeping, "ROWS_AT_ONCE", 3)
    collection = SyncedCollection.objects.create(connection=connection, remote_id="c")
    for _ in range(5):
        run = run_of(connection, age=LONG_AGO)
        for _ in range(4):
            SyncChange.objects.create(run=run, collection=collection, side="here", action="created")
    beats: list[int] = []
    assert forget_history(heartbeat=lambda: beats.append(1))
    assert not SyncRun.objects.exists()
    assert not SyncChange.objects.exists()
    assert len(beats) > 2


@pytest.mark.parametrize("state", ["connected", "paused", "disconnected"])
def test_connections_that_are_off_are_tidied_up_as_well(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr(keeping, "DESCRIPTIONS_KEPT", 2)
    Connection.objects.update(state=state)
    for number, event_state in enumerate(["done", "ignored", "waiting"]):
        InboundEvent.objects.create(
            id=f"e{number}", connection=connection, kind="k", state=event_state, occurred_at=timezone.now()
        )
    InboundEvent.objects.update(received_at=timezone.now() - timedelta(days=15))
    InboundEvent.objects.create(id="new", connection=connection, kind="k", occurred_at=timezone.now())
    for version in range(1, 5):
        WorkspaceDescription.objects.create(connection=connection, version=version, fingerprint="f")
    forget_history(heartbeat=lambda: None)
    kept = {"new", "e2"} if state == "connected" else {"new"}
    assert set(InboundEvent.objects.values_list("pk", flat=True)) == kept
    assert list(WorkspaceDescription.objects.values_list("version", flat=True)) == [4, 3]


def test_decided_conflicts_are_kept_for_half_a_year_and_open_ones_for_ever(connection: Connection) -> None:
    collection = SyncedCollection.objects.create(connection=connection, remote_id="c")
    task = create_task(changes=TaskChanges(title="Both sides"), actor=SYSTEM)
    link = ExternalLink.objects.create(connection=connection, collection=collection, remote_id="r", task=task)
    for field, state, days in (
        ("title", "decided", 181), ("status", "settled", 181), ("due", "open", 900), ("tags", "settled", 179),
    ):  # fmt: skip
        made = Conflict.objects.create(
            connection=connection, link=link, task=task, our_field=field, policy="newest", state=state
        )
        Conflict.objects.filter(pk=made.pk).update(updated_at=timezone.now() - timedelta(days=days))
    forget_history(heartbeat=lambda: None)
    assert set(Conflict.objects.values_list("our_field", flat=True)) == {"due", "tags"}


def test_it_is_a_job_of_its_own_that_comes_with_the_first_connection(
    sandbox: Sandbox, workspace: NotionWorkspace, tenant: TenantRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEPT_AT_LEAST", 0)
    workspace.into(sandbox)
    connection = connect_workspace(token=workspace.token, actor=SYSTEM)
    run_due_work(tenant)
    assert "ready" in states_of_work(tenant, keeping.KEEPING_JOB)
    old = run_of(connection, age=LONG_AGO)
    make_due(tenant, kind=keeping.KEEPING_JOB)
    run_due_work(tenant, kind=keeping.KEEPING_JOB)
    assert not SyncRun.objects.filter(pk=old.pk).exists()
    assert states_of_work(tenant, keeping.KEEPING_JOB)[-1] == "ready"
