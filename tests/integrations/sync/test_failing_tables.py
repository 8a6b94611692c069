"""A table its service fails for holds up no other, and nobody asks for it again and again."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, SyncedCollection, SyncRun
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync import engine, guarded_source
from integrations.sync.guarded_source import Postponed
from integrations.sync.polling import poll_connection
from tasks.models import Project, Task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace
from tests.fakes.dispatch import make_due

type Work = Callable[[], None]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions of a call follow at once."""
    given = guarded_source.GuardedTaskSource.__init__.__kwdefaults__
    assert given is not None
    monkeypatch.setitem(given, "sleep", lambda _seconds: None)


@pytest.fixture
def project_id(workspace: NotionWorkspace) -> str:
    return workspace.add_project("Winter")


@pytest.fixture
def connected(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, project_id: str
) -> Connection:
    workspace.add_tasks(3)
    return connect(workspace)


def fail(sandbox: Sandbox, table_id: str, times: int = 1000) -> None:
    sandbox.fault(match=f"/data_sources/{table_id}/query", kind="status", status=500, times=times)


def rename_project(sandbox: Sandbox, workspace: NotionWorkspace, project_id: str) -> None:
    name = {"title": [{"text": {"content": "Summer"}}]}
    sandbox.edit(project_id, workspace.editor, {"properties": {"Name": name}})


def test_a_look_reads_the_other_tables_and_comes_back_for_the_one_that_fails(
    connected: Connection, project_id: str, sandbox: Sandbox, workspace: NotionWorkspace, work: Work
) -> None:
    work()
    before = SyncedCollection.objects.get(remote_id=workspace.tasks_id).watermark
    rename_project(sandbox, workspace, project_id)
    fail(sandbox, workspace.tasks_id)

    poll_connection(connection_id=connected.pk, heartbeat=lambda: None)

    assert Project.objects.get().name == "Summer"
    run = SyncRun.objects.get(kind="poll")
    assert run.state == "partial"
    assert run.issues.get().code == "collection_failed"
    # Where it goes on has not moved, so nothing is missed.
    assert SyncedCollection.objects.get(remote_id=workspace.tasks_id).watermark == before


def test_an_import_waits_a_little_for_a_table_and_ends_without_it(
    connected: Connection, sandbox: Sandbox, workspace: NotionWorkspace, work: Work, tenant: TenantRef
) -> None:
    fail(sandbox, workspace.projects_id)

    work()

    run = SyncRun.objects.get(kind="import")
    assert (run.state, run.stalls) == ("waiting", 0)
    assert Task.objects.count() == 3
    for _ in range(engine.PATIENT_STALLS + 1):
        make_due(tenant, kind="integrations.run_sync")
        work()
    run.refresh_from_db()
    assert run.state == "partial"
    states = dict(run.collections.values_list("collection__remote_id", "state"))
    assert states == {workspace.tasks_id: "done", workspace.projects_id: "failed"}


def test_a_service_that_is_down_ends_no_table_and_counts_as_no_progress(
    connected: Connection, sandbox: Sandbox, work: Work, tenant: TenantRef
) -> None:
    work()
    sandbox.fault(match="/query", kind="status", status=500, times=1000)
    run = start_sync_run(connection=connected, actor=SYSTEM, kind=SyncRun.Kind.FULL)

    stalls = []
    for _ in range(4):
        make_due(tenant, kind="integrations.run_sync")
        work()
        run.refresh_from_db()
        stalls.append(run.stalls)

    assert run.state == "waiting"
    # The first attempt still read columns and people.
    assert stalls == [0, 1, 2, 3]
    assert not run.collections.filter(state="failed").exists()


def test_a_look_at_a_service_that_is_down_is_postponed(
    connected: Connection, sandbox: Sandbox, work: Work
) -> None:
    work()
    sandbox.fault(match="/query", kind="status", status=500, times=1000)

    with pytest.raises(Postponed):
        poll_connection(connection_id=connected.pk, heartbeat=lambda: None)

    assert not SyncRun.objects.filter(kind="poll").exists()
