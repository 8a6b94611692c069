"""A conflict from the two edits to both sides saying the same, against the sandbox."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Conflict, Connection, ExternalLink, FieldMapping, Push
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import PUSH_JOB, start_sync_run
from integrations.sync.conflicts.services import choose
from integrations.sync.engine import run_sync
from integrations.sync.polling import poll_connection
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM
from tenants.tenancy import TenantRef
from tests.factories.notion import NotionWorkspace, rich
from tests.fakes.dispatch import make_due


@pytest.fixture
def row(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Callable[[], None]
) -> str:
    """A row that is in step; whoever edits its title on both sides is asked."""
    found = workspace.add_task("Call the bank")
    connect(workspace)
    work()
    FieldMapping.objects.filter(our_field="title").update(policy="manual")
    return found


@pytest.fixture
def send(tenant: TenantRef, work: Callable[[], None]) -> Callable[[], None]:
    """Everything that is due, and what is gathered for sending as well."""

    def do() -> None:
        for _ in range(2):
            work()
            Push.objects.update(not_before=timezone.now())
            make_due(tenant, kind=PUSH_JOB)
            work()

    return do


def task() -> Task:
    return Task.objects.get()


def title_there(sandbox: Sandbox, row: str) -> str:
    runs: list[dict[str, Any]] = sandbox.holder_of(row)[1].obj["properties"]["Task"]["title"]
    return "".join(str(run["plain_text"]) for run in runs)


def edit_both(sandbox: Sandbox, workspace: NotionWorkspace, row: str) -> Conflict:
    edit_tasks(ids=[task().pk], changes=TaskChanges(title="Call the big bank", priority=4), actor=SYSTEM)
    sandbox.edit(row, workspace.editor, {"properties": {"Task": {"title": rich("Ring the bank")}}})
    assert poll_connection(connection_id=Connection.objects.get().pk, heartbeat=lambda: None)
    return Conflict.objects.get()


@pytest.mark.parametrize(
    ("side", "title"),
    [
        ("local", "Call the big bank"),
        ("remote", "Ring the bank"),
        ("base", "Call the bank"),
        ("merged", "Ring the big bank"),
    ],
)
def test_whatever_is_chosen_both_sides_say_it_in_the_end(
    row: str, sandbox: Sandbox, workspace: NotionWorkspace, send: Callable[[], None], side: str, title: str
) -> None:
    conflict = edit_both(sandbox, workspace, row)
    send()
    # What nobody disputes has gone out; the title waits on both sides.
    assert title_there(sandbox, row) == "Ring the bank"
    assert task().title == "Call the big bank"
    assert ExternalLink.objects.get().base["priority"] == 4  # type: ignore[index]

    choose(conflict_id=conflict.pk, side=side, actor=SYSTEM)
    send()

    assert (task().title, title_there(sandbox, row)) == (title, title)
    assert ExternalLink.objects.get().base["title"] == title  # type: ignore[index]
    assert not Push.objects.exists()
    assert Conflict.objects.get().state == Conflict.State.SETTLED


def test_a_record_somebody_wants_back_leaves_the_trash_with_the_edit(
    row: str, sandbox: Sandbox, workspace: NotionWorkspace, send: Callable[[], None]
) -> None:
    edit_tasks(ids=[task().pk], changes=TaskChanges(title="Edited here"), actor=SYSTEM)
    sandbox.trash(row, workspace.editor)
    run = start_sync_run(connection=Connection.objects.get(), actor=SYSTEM, kind="full")
    run_sync(run_id=run.pk, heartbeat=lambda: None)
    send()
    assert title_there(sandbox, row) == "Call the bank"
    assert not task().is_archived

    choose(conflict_id=Conflict.objects.get().pk, side="local", actor=SYSTEM)
    send()

    assert not sandbox.holder_of(row)[1].in_trash
    assert title_there(sandbox, row) == "Edited here"
    assert ExternalLink.objects.get().state == ExternalLink.State.CLEAN
