"""Reactions to facts: everything is read anew after a restore, and who locks tasks takes events together."""

from collections.abc import Callable

from django.utils import timezone

from integrations.models import Connection, ExternalLink, SyncRun
from integrations.services import POLL_JOB
from tasks.events import TaskAssigned, TaskCreated, TasksArchived, TasksRestored, TaskUpdated
from tasks.models import Task
from tenants.lifecycle.restoring.events import CompanyRestored
from tenants.models import WorkItem
from tenants.outbox.bus import publish, subscriptions
from tenants.tenancy import TenantRef, cell_scope
from tests.factories.notion import NotionWorkspace

OF_TASKS = {event.name for event in (TaskCreated, TaskUpdated, TaskAssigned, TasksArchived, TasksRestored)}


def test_a_restored_company_s_workspaces_are_compared_whole_and_rows_come_back_once(
    connect: Callable[[NotionWorkspace], Connection],
    workspace: NotionWorkspace,
    work: Callable[[], None],
    tenant: TenantRef,
) -> None:
    workspace.add_tasks(4)
    connection = connect(workspace)
    work()
    before = Task.objects.count()
    assert before > 1
    gone = ExternalLink.objects.filter(task__isnull=False).order_by("pk").first()
    assert gone is not None
    assert gone.task is not None
    # As after a restore: what was read since then is not there, and neither is the schedule.
    gone.task.delete()
    ExternalLink.objects.filter(remote_id=gone.remote_id).delete()
    with cell_scope(tenant.cell):
        WorkItem.objects.filter(tenant_id=tenant.id, kind=POLL_JOB, state="ready").delete()

    publish(CompanyRestored(moment=timezone.now()))
    work()

    run = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.FULL).latest("created_at")
    assert run.state == SyncRun.State.SUCCEEDED
    assert (run.new, run.changed) == (1, 0)
    assert Task.objects.count() == before
    with cell_scope(tenant.cell):
        assert WorkItem.objects.filter(tenant_id=tenant.id, kind=POLL_JOB, state="ready").exists()


def test_who_locks_tasks_takes_their_events_together_so_that_no_two_wait_in_a_circle() -> None:
    concerned = [
        one for one in subscriptions() if one.event_name in OF_TASKS and one.name.startswith("integrations.")
    ]

    assert {one.event_name for one in concerned} == OF_TASKS
    assert [one.name for one in concerned if not one.takes_batches] == []
