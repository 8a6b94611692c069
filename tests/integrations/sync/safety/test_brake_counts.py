"""What the brake counts and shows: each record once, what was written before as written and nothing else."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, SyncChange, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync.safety.brake import approved_numbers
from integrations.sync.safety.deciding import approve_run
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace
from tests.integrations.sync.safety.test_brake import pages_of

type Work = Callable[[], None]


@pytest.fixture
def three_pages(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> Connection:
    """A table that takes three questions to read."""
    workspace.add_tasks(260, priority="P0", status="Doing")
    connection = connect(workspace)
    work()
    assert Task.objects.count() == 260
    return connection


def test_a_plan_shows_what_is_not_written_yet_and_each_record_once(
    three_pages: Connection, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    pages = pages_of(workspace)
    patch = {"properties": {"Priority": {"select": {"name": "P2"}}}}
    for page_id in [*pages[:10], *pages[100:145], *pages[200:205]]:
        sandbox.edit(page_id, workspace.editor, patch)

    run = start_sync_run(connection=three_pages, actor=SYSTEM, kind=SyncRun.Kind.FULL)
    work()

    run.refresh_from_db()
    assert run.held_for == "mass"
    assert Task.objects.filter(priority=2).count() == 10
    changes = SyncChange.objects.filter(run=run)
    assert changes.filter(is_planned=False).count() == 10
    planned = changes.filter(is_planned=True)
    assert planned.count() == planned.values("task_id").distinct().count() == 50
    assert sum((run.plan or {})["tally"].values()) == 50
    assert sum((approved_numbers(run) or {}).values()) == 60


def test_who_follows_missing_rows_has_not_said_that_values_may_change(
    three_pages: Connection, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    pages = pages_of(workspace)
    for page_id in pages[:55]:
        sandbox.trash(page_id, workspace.editor)
    for page_id in pages[100:155]:
        sandbox.edit(page_id, workspace.editor, {"properties": {"Priority": {"select": {"name": "P2"}}}})

    run = start_sync_run(
        connection=three_pages, actor=SYSTEM, kind=SyncRun.Kind.FULL, accepts_disappearances=True
    )
    work()

    run.refresh_from_db()
    assert run.held_for == "mass"
    assert not Task.objects.filter(priority=2).exists()
    approve_run(run=run, actor=SYSTEM)
    work()
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert Task.objects.filter(priority=2).count() == 55
    assert Task.objects.exclude(archived_at=None).count() == 55
