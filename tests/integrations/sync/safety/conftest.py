"""What both sides hold, as values that compare equal only if nothing was written."""

from collections.abc import Callable
from typing import Any

import pytest

from integrations.models import Conflict, Connection, ExternalLink, Push, SyncedCollection
from integrations.sandbox.notion.sandbox import Sandbox
from tasks.models import Person, Project, Task, TaskAssignee, TaskDependency
from tests.factories.notion import NotionWorkspace

type Work = Callable[[], None]


@pytest.fixture
def everything_here() -> Callable[[], dict[str, Any]]:
    """Every row of every table a run of the sync writes to."""

    def take() -> dict[str, Any]:
        models = (Task, Project, Person, TaskAssignee, TaskDependency, ExternalLink, Push, Conflict)
        rows: dict[str, Any] = {
            model.__name__: list(model.objects.order_by("pk").values()) for model in models
        }
        rows["marks"] = list(SyncedCollection.objects.order_by("pk").values("pk", "watermark", "is_enabled"))
        rows["fresh"] = list(Connection.objects.values("last_synced_at", "last_polled_at"))
        return rows

    return take


@pytest.fixture
def writes_there(sandbox: Sandbox) -> Callable[[], list[str]]:
    """The calls so far that changed something there."""

    def take() -> list[str]:
        return [
            f"{call.method} {call.path}"
            for call in sandbox.calls()
            if call.method in {"PATCH", "DELETE"} or (call.method == "POST" and call.path == "/v1/pages")
        ]

    return take


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Work
) -> Connection:
    """A connection whose first import is done: a project and thirty urgent tasks."""
    project = workspace.add_project("Winter")
    workspace.add_tasks(30, priority="P0", status="Doing", project=project)
    connection = connect(workspace)
    work()
    return connection
