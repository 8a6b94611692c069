"""Imports from the sandbox, from connecting to the last task."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from integrations.models import Connection, ExternalLink, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.sync.drift import COLUMNS_FRESH
from tasks.models import Project, Task
from tests.factories.notion import NotionWorkspace, rich
from tests.factories.notion_events import Json

SCHEMA = "GET /v1/data_sources/{data_source_id}"


def test_a_connected_workspace_is_imported_with_people_projects_and_relations(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Callable[[], None]
) -> None:
    project = workspace.add_project("Spring launch")
    first = workspace.add_task(
        "Write the plan", status="Doing", priority="P0", assignees=[0, 1], project=project,
        due={"start": "2026-04-01", "end": None, "time_zone": None}, estimate=2.5, tags=["launch", "text"],
        body=["Say what we do.", "Say why."],
    )  # fmt: skip
    second = workspace.add_task("Check the plan", parent=first, blocked_by=[first], status="Shipped")
    connection = connect(workspace)

    work()

    task = Task.objects.get(external_links__remote_id=first)
    assert (task.title, task.status, task.priority) == ("Write the plan", "in_progress", 4)
    assert str(task.due_on) == "2026-04-01"
    assert str(task.estimate_hours) == "2.50"
    assert task.tags == ["launch", "text"]
    assert task.project == Project.objects.get(name="Spring launch")
    assert {person.name for person in task.assignees.all()} == {"Person A Example", "Person B Example"}
    assert "Say what we do." in task.description
    other = Task.objects.get(external_links__remote_id=second)
    assert other.status == "done"
    assert other.parent == task
    assert [row.depends_on_id for row in other.dependencies.all()] == [task.pk]
    run = SyncRun.objects.get(connection=connection, kind="import")
    assert (run.state, run.new, run.failed) == ("succeeded", 3, 0)
    assert ExternalLink.objects.filter(connection=connection, state="clean").count() == 3


def test_an_import_makes_a_call_for_each_hundred_rows_and_few_others(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
) -> None:
    workspace.add_tasks(250)
    workspace.add_project("Only one")
    connection = connect(workspace)
    SyncedCollection.objects.update(schema_read_at=timezone.now() - COLUMNS_FRESH)
    sandbox.report(reset=True)

    work()

    run = SyncRun.objects.get(connection=connection, kind="import")
    assert run.new == 251
    assert run.calls == 2 + 1 + 3 + 1  # two schemas, people, three pages of tasks, one of projects


def test_an_import_goes_by_the_columns_that_were_seen_a_moment_ago(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
) -> None:
    workspace.add_tasks(3, priority="P0")
    connection = connect(workspace)
    SyncedCollection.objects.update(schema_read_at=timezone.now())
    sandbox.report(reset=True)

    work()

    run = SyncRun.objects.get(connection=connection, kind="import")
    assert (run.new, run.calls) == (3, 1 + 1 + 1)  # people, a page of each table
    assert set(Task.objects.values_list("priority", flat=True)) == {4}


@pytest.mark.parametrize(
    ("patch", "page"),
    [
        ({"Estimate (h)": None}, {"Task": {"title": rich("A")}}),
        (
            {"Priority": {"select": {"options": [{"name": "P0"}, {"name": "Later"}]}}},
            {"Task": {"title": rich("A")}, "Priority": {"select": {"name": "Later"}}},
        ),
    ],
)
def test_columns_that_changed_since_they_were_seen_are_read_anew_by_an_import(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    sandbox: Sandbox,
    patch: Json,
    page: Json,
) -> None:
    workspace.add_tasks(2, priority="P0")
    connection = connect(workspace)
    sandbox.change_schema(workspace.tasks_id, workspace.editor, {"properties": patch})
    parent = {"data_source_id": workspace.tasks_id}
    sandbox.create(workspace.editor, {"parent": parent, "properties": page})
    SyncedCollection.objects.update(schema_read_at=timezone.now())
    sandbox.report(reset=True)

    work()

    run = SyncRun.objects.get(connection=connection, kind="import")
    assert run.new == 3
    read = [call.path for call in sandbox.calls() if call.endpoint == SCHEMA]
    assert read == [f"/v1/data_sources/{workspace.tasks_id}"]
    columns = SyncedCollection.objects.get(remote_id=workspace.tasks_id).schema
    priority = next(column for column in columns if column["name"] == "Priority")
    assert ("Estimate (h)" in {column["name"] for column in columns}) is ("Priority" in patch)
    assert ("Later" in {option["name"] for option in priority["options"]}) is ("Priority" in patch)
