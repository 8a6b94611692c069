"""Reading a collection to its end, whatever the service does with cursors, sizes and limits."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.models import Connection, ExternalLink, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import START, NotionWorkspace

QUERY = "POST /v1/data_sources/.*/query"

type Connect = Callable[[NotionWorkspace], Connection]
type Work = Callable[[], None]


def the_run() -> SyncRun:
    return SyncRun.objects.get(kind="import")


def test_more_than_25_references_are_read_to_the_last(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    blockers = workspace.add_tasks(60)
    page = workspace.add_task("Waits for sixty", blocked_by=blockers)
    connect(workspace)

    work()

    task = Task.objects.get(external_links__remote_id=page)
    assert task.dependencies.count() == 60


def test_a_row_with_many_references_is_not_read_again_while_it_stays_the_same(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    blockers = workspace.add_tasks(30)
    workspace.add_task("Waits for thirty", blocked_by=blockers)
    connection = connect(workspace)
    work()
    sandbox.report(reset=True)

    start_sync_run(connection=connection, actor=SYSTEM, kind="full")
    work()

    assert not [call for call in sandbox.calls() if "properties" in call.path]
    run = SyncRun.objects.get(kind="full")
    assert (run.changed, run.unchanged) == (0, 31)


def test_more_rows_than_one_query_may_list_are_read_in_windows(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(450)
    connect(workspace)
    sandbox.set_limits(result_cap=200)

    work()

    assert Task.objects.count() == 450
    assert (the_run().state, the_run().new, the_run().done) == ("succeeded", 450, 450)


def test_more_rows_in_one_minute_than_can_be_listed_are_told_and_nothing_is_lost(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(120, created=START)
    connection = connect(workspace)
    sandbox.set_limits(result_cap=100)

    work()

    run = the_run()
    assert run.state == "partial"
    assert run.issues.get().code == "too_many_in_a_minute"
    assert Task.objects.count() == 100
    assert SyncedCollection.objects.get(connection=connection, role="tasks").watermark is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 504},
        {"kind": "status", "status": 409},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 529, "retry_after": 1},
        {"kind": "reset"},
        {"kind": "half"},
        {"kind": "malformed"},
        {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}",
)
def test_a_passing_failure_costs_calls_but_no_rows(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox, fault: dict[str, Any]
) -> None:
    workspace.add_tasks(150)
    connect(workspace)
    sandbox.fault(match=QUERY, skip=1, times=1, **fault)

    work()

    assert Task.objects.count() == 150
    assert (the_run().state, the_run().new) == ("succeeded", 150)


def test_a_query_that_is_too_much_is_asked_in_smaller_pages(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(150)
    connect(workspace)
    sandbox.fault(match=QUERY, kind="status", status=503, times=3)

    work()

    assert Task.objects.count() == 150
    assert the_run().state == "succeeded"


def test_a_cursor_that_repeats_does_not_go_on_for_ever(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(250)
    connect(workspace)
    sandbox.fault(match=QUERY, kind="repeat_cursor", skip=1, times=1)

    work()

    assert Task.objects.count() == 250
    assert (the_run().state, the_run().done) == ("succeeded", 250)
    assert len([call for call in sandbox.calls() if call.path.endswith("/query")]) < 10


def test_a_cursor_that_always_repeats_ends_with_a_sentence(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(150, created=START)
    connect(workspace)
    sandbox.fault(match=QUERY, kind="repeat_cursor", times=None)

    work()

    run = the_run()
    assert run.state == "partial"
    assert "same page" in run.issues.get(collection__role="tasks").title
    assert Task.objects.count() == 150
    assert SyncedCollection.objects.get(role="tasks").watermark is None


def test_a_stale_cursor_reopens_the_window_where_reading_stood(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_tasks(250)
    connect(workspace)
    sandbox.fault(
        match=QUERY,
        kind="status",
        status=400,
        code="validation_error",
        message="The start_cursor provided is invalid.",
        skip=2,
        times=1,
    )

    work()

    assert Task.objects.count() == 250
    assert (the_run().state, the_run().done) == ("succeeded", 250)


def test_one_row_that_cannot_be_understood_is_set_aside_and_tried_again(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    page = workspace.add_task("Odd")
    workspace.add_tasks(3)
    connection = connect(workspace)
    _, item = sandbox.holder_of(page)
    item.obj["properties"]["Due date"]["date"] = {"start": "no day at all", "end": None, "time_zone": None}

    work()

    run = the_run()
    assert (run.state, run.failed, run.new) == ("partial", 1, 3)
    assert run.issues.get().code == "unreadable"
    link = ExternalLink.objects.get(remote_id=page)
    assert (link.state, link.task) == ("quarantined", None)
    item.obj["properties"]["Due date"]["date"] = None
    item.json.clear()

    poll_connection(connection_id=connection.pk, heartbeat=lambda: None)

    assert Task.objects.filter(external_links__remote_id=page, title="Odd").exists()


def test_a_row_deleted_while_it_is_read_is_told_and_the_rest_arrives(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    workspace.add_task("Vanishes", blocked_by=workspace.add_tasks(30))
    connect(workspace)
    sandbox.fault(match="GET /v1/pages/.*/properties/", kind="status", status=404)

    work()

    run = the_run()
    assert run.issues.get().code == "record_gone"
    assert Task.objects.count() == 30


def test_one_row_whose_references_cannot_be_read_is_set_aside_and_the_rest_arrives(
    connect: Connect, workspace: NotionWorkspace, work: Work, sandbox: Sandbox
) -> None:
    blockers = workspace.add_tasks(30)
    page = workspace.add_task("Cannot be completed", blocked_by=blockers)
    connect(workspace)
    sandbox.fault(match="GET /v1/pages/.*/properties/", kind="status", status=500, times=None)

    work()

    run = the_run()
    assert (run.state, run.new, run.failed) == ("partial", 30, 1)
    assert ExternalLink.objects.get(remote_id=page).state == "quarantined"
    sandbox.faults.clear()
    start_sync_run(connection=run.connection, actor=SYSTEM, kind="full")
    work()
    assert Task.objects.get(external_links__remote_id=page).dependencies.count() == 30
