"""Every change of a table's columns is written down once, whoever notices it."""

from collections.abc import Callable

import pytest

from integrations.capabilities import FieldKind, RemoteField, RemoteOption
from integrations.models import Connection, SchemaChange
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync.schema_history import schema_changes
from integrations.sync.services import discover_collections
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace

TEXT = RemoteField("a", "Notes", FieldKind.TEXT, "rich_text")


def choice(**names: str) -> RemoteField:
    options = tuple(RemoteOption(key, name) for key, name in names.items())
    return RemoteField("c", "Level", FieldKind.CHOICE, "select", options=options)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([TEXT], [TEXT], []),
        ([TEXT], [], [("removed", "a", {"name": "Notes", "type": "rich_text"}, None)]),
        ([], [TEXT], [("added", "a", None, {"name": "Notes", "type": "rich_text"})]),
        (
            [TEXT],
            [RemoteField("a", "Remarks", FieldKind.TEXT, "rich_text")],
            [("renamed", "a", "Notes", "Remarks")],
        ),
        (
            [TEXT],
            [RemoteField("a", "Notes", FieldKind.NUMBER, "number")],
            [("retyped", "a", {"name": "Notes", "type": "rich_text"}, {"name": "Notes", "type": "number"})],
        ),
        (
            [choice(x="Low", y="High")],
            [choice(x="Lowest", z="Top")],
            [("options", "c", {"x": "Low", "y": "High"}, {"x": "Lowest", "z": "Top"})],
        ),
    ],
)
def test_what_differs_is_told_by_the_columns_ids(
    before: list[RemoteField], after: list[RemoteField], expected: list[tuple[object, ...]]
) -> None:
    found = [
        (item.kind, item.remote_field_id, item.before, item.after) for item in schema_changes(before, after)
    ]
    assert found == expected


def test_a_full_check_and_a_look_for_databases_write_each_change_down_once(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    sandbox: Sandbox,
    work: Callable[[], None],
) -> None:
    workspace.add_tasks(2)
    connection = connect(workspace)
    work()
    assert not SchemaChange.objects.exists(), "the first look is no change"
    change = {"title": [{"text": {"content": "Work"}}], "properties": {"Priority": {"name": "Urgency"}}}
    sandbox.change_schema(workspace.tasks_id, workspace.editor, change)
    for _ in range(2):
        discover_collections(connection=connection, actor=SYSTEM)
        start_sync_run(connection=connection, actor=SYSTEM, kind="full")
        work()
    rows = SchemaChange.objects.order_by("kind").values_list("kind", "before", "after")
    assert list(rows) == [("renamed", "Priority", "Urgency"), ("title", "Tasks", "Work")]
