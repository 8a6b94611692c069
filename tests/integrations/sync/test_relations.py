"""References are set when both records are here; those that lead nowhere cost a change nothing."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import Connection, ExternalLink
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import start_sync_run
from integrations.sync import relations
from integrations.sync.polling import poll_connection
from integrations.sync.relations import resolve_links
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import NotionWorkspace


@pytest.fixture
def imported(
    connect: Callable[[NotionWorkspace], Connection], workspace: NotionWorkspace, work: Callable[[], None]
) -> Connection:
    """A connection whose first import is done: six tasks; each names a parent that is not shared."""
    workspace.add_tasks(6)
    connection = connect(workspace)
    work()
    long_ago = timezone.now() - timedelta(days=1)
    links = ExternalLink.objects.filter(task__isnull=False)
    links.update(unresolved={"parent": ["nowhere"]}, synced_at=long_ago)
    return connection


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The records whose references were looked at."""
    found: list[str] = []

    def resolve(session: Any, links: Sequence[ExternalLink], mappings: Any) -> None:
        found.extend(link.remote_id for link in links)
        resolve_links(session, links, mappings)

    monkeypatch.setattr(relations, "resolve_links", resolve)
    return found


def links() -> list[ExternalLink]:
    return list(ExternalLink.objects.filter(task__isnull=False).order_by("pk"))


def task_of(link: ExternalLink) -> Task:
    return Task.objects.get(external_links=link.pk)


def poll(connection: Connection) -> None:
    assert poll_connection(connection_id=connection.pk, heartbeat=lambda: None)


def test_a_change_does_not_look_at_references_of_others_that_lead_nowhere(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, looked_at: list[str]
) -> None:
    changed = links()[0].remote_id
    patch = {"properties": {"Task": {"title": [{"text": {"content": "Renamed"}}]}}}
    sandbox.edit(changed, workspace.editor, patch)

    poll(imported)

    assert looked_at == [changed]
    assert ExternalLink.objects.filter(unresolved={"parent": ["nowhere"]}).count() == 5


def test_a_new_record_is_found_by_those_that_named_it_before(
    imported: Connection, workspace: NotionWorkspace, sandbox: Sandbox, looked_at: list[str]
) -> None:
    page = sandbox.create(
        workspace.editor,
        {
            "parent": {"type": "data_source_id", "data_source_id": workspace.tasks_id},
            "properties": {"Task": {"title": [{"text": {"content": "Shared at last"}}]}},
        },
    )
    parted, blocked = links()[:2]
    ExternalLink.objects.filter(pk=parted.pk).update(unresolved={"parent": [page["id"]]})
    ExternalLink.objects.filter(pk=blocked.pk).update(unresolved={"blocked_by": ["nowhere", page["id"]]})

    poll(imported)

    task = Task.objects.get(external_links__remote_id=page["id"])
    assert task_of(parted).parent == task
    assert [item.depends_on for item in task_of(blocked).dependencies.all()] == [task]
    assert set(looked_at) - {page["id"]} == {parted.remote_id, blocked.remote_id}
    assert ExternalLink.objects.get(pk=parted.pk).unresolved == {}
    assert ExternalLink.objects.get(pk=blocked.pk).unresolved == {"blocked_by": ["nowhere", page["id"]]}


def test_references_of_a_look_that_was_broken_off_are_set_by_the_next_one(imported: Connection) -> None:
    child, parent = links()[:2]
    unresolved = {"parent": [parent.remote_id]}
    ExternalLink.objects.filter(pk=child.pk).update(unresolved=unresolved, synced_at=timezone.now())

    poll(imported)

    assert task_of(child).parent_id == parent.task_id


def test_a_full_check_tries_every_reference(
    imported: Connection, looked_at: list[str], work: Callable[[], None]
) -> None:
    child, parent = links()[:2]
    ExternalLink.objects.filter(pk=child.pk).update(unresolved={"parent": [parent.remote_id]})
    start_sync_run(connection=imported, actor=SYSTEM, kind="full")
    work()
    assert set(looked_at) >= {link.remote_id for link in links()}
    assert task_of(child).parent_id == parent.task_id
