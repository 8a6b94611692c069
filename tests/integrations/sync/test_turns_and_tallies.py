"""Long runs give their worker back and go on where they stood; every call is counted by hour, operation and lane."""

from collections.abc import Callable

import pytest

from integrations.models import CallTally, Connection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync import session
from integrations.sync.engine import run_sync
from integrations.sync.session import TurnOver
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef, atomic
from tests.factories.notion import NotionWorkspace

type Connect = Callable[[NotionWorkspace], Connection]


@pytest.fixture
def filled(workspace: NotionWorkspace, connect: Connect, work: Callable[[], None]) -> Connection:
    """A connected workspace with 250 tasks, read once."""
    workspace.add_tasks(250)
    connection = connect(workspace)
    work()
    return connection


def test_a_long_run_lets_others_in_after_each_page_and_still_reads_everything(
    tenant: TenantRef, filled: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TURN_SECONDS", -1.0)
    run = start_sync_run(connection=filled, actor=SYSTEM, kind=SyncRun.Kind.FULL)
    turns = 0
    while True:
        try:
            run_sync(run_id=run.pk, heartbeat=lambda: None)
            break
        except TurnOver:
            turns += 1
            with atomic():
                run.refresh_from_db()
            assert run.state == SyncRun.State.RUNNING
            assert run.done == 100 * turns
    with atomic():
        run.refresh_from_db()
        assert Task.objects.count() == 250
    assert turns == 2, "three pages, a turn for each"
    assert (run.state, run.done, run.unchanged) == (SyncRun.State.SUCCEEDED, 250, 250)


def test_calls_are_counted_as_the_service_counted_them(
    tenant: TenantRef, filled: Connection, sandbox: Sandbox
) -> None:
    with atomic():
        rows = list(CallTally.objects.filter(connection=filled))
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.operation] = counted.get(row.operation, 0) + row.calls
    seen = sandbox.ledger.report()["by_endpoint"]
    assert counted["data_sources.query"] == seen["POST /v1/data_sources/{data_source_id}/query"]
    assert counted["pages.markdown.retrieve"] == seen["GET /v1/pages/{page_id}/markdown"]
    assert {row.lane for row in rows} == {"import", "background", "texts"}
    assert all(row.failed == 0 and row.refused == 0 for row in rows)


def test_calls_of_two_workers_add_up(tenant: TenantRef, filled: Connection) -> None:
    before = _calls()
    start_sync_run(connection=filled, actor=SYSTEM, kind=SyncRun.Kind.FULL)
    with atomic():
        run = SyncRun.objects.open().get(kind=SyncRun.Kind.FULL)
    run_sync(run_id=run.pk, heartbeat=lambda: None)
    with atomic():
        run.refresh_from_db()
    assert _calls() - before == run.calls


def _calls() -> int:
    with atomic():
        return sum(row.calls for row in CallTally.objects.all())
