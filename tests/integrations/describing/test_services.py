"""A workspace is described after every full check, and a version is kept only when something differs."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Connection, WorkspaceDescription
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Callable[[], None]
) -> Connection:
    """A connection whose first import is done."""
    workspace.add_tasks(2)
    connection = connect(workspace)
    work()
    return connection


@pytest.fixture
def check(imported: Connection, work: Callable[[], None]) -> Callable[[], list[WorkspaceDescription]]:
    """Reads everything again and returns the versions, newest first."""

    def do() -> list[WorkspaceDescription]:
        start_sync_run(connection=imported, actor=SYSTEM, kind="full")
        work()
        return list(WorkspaceDescription.objects.filter(connection=imported))

    return do


def test_a_version_is_kept_only_when_something_differs(
    check: Callable[[], list[WorkspaceDescription]], workspace: NotionWorkspace, sandbox: Sandbox
) -> None:
    (first,) = check()
    assert (first.version, first.changes) == (1, [])
    assert check() == [first]
    sandbox.change_schema(
        workspace.tasks_id, workspace.editor, {"properties": {"Priority": {"name": "Urgency"}}}
    )
    second, _ = check()
    assert second.version == 2
    assert second.changes == ["“Tasks”: the column “Priority” is called “Urgency” now."]
    assert "Urgency" in second.markdown


def test_page_files_api_and_shell_show_the_same(
    imported: Connection, console: Any, api: Any, tenant: TenantRef
) -> None:
    base = f"/workspaces/{imported.pk}/description"
    assert "Tasks" in console.get(f"{base}/").content.decode()
    told = json.loads(console.get(f"{base}.json?version=1").content)
    listed = api.get(f"/api/v1/connections/{imported.pk}/descriptions/").json()["results"]
    assert [row["version"] for row in listed] == [1]
    shown = api.get(f"/api/v1/connections/{imported.pk}/descriptions/1/").json()
    assert shown["document"] == told
    assert console.get(f"{base}.md").content.decode() == shown["markdown"]
    assert api.post(f"/api/v1/connections/{imported.pk}/descriptions/").json()["version"] == 1
    assert console.post(f"/workspaces/{imported.pk}/describe/").status_code == 302


@pytest.mark.parametrize(
    "address", [".md?version=9", ".md?version=x", ".md?version=99999999999", ".exe", "/?version=²"]
)
def test_a_version_that_is_not_there_is_not_found(imported: Connection, console: Any, address: str) -> None:
    assert console.get(f"/workspaces/{imported.pk}/description{address}").status_code == 404


def test_the_shell_refuses_companies_and_workspaces_there_are_not(committed_tenant: TenantRef) -> None:
    for arguments in (["nobody-here"], [committed_tenant.slug]):
        with pytest.raises(CommandError):
            call_command("describe_workspace", *arguments, stdout=StringIO())
