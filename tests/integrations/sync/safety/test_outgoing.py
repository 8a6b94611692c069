"""Unusually many edits made here wait for a person before one of them is sent."""

from collections.abc import Callable

import pytest

from integrations.models import Connection, FieldMapping, Push, SyncRun
from integrations.sync.polling import poll_connection
from integrations.sync.push.requests import request_push
from integrations.sync.push.sender import push_changes
from integrations.sync.safety.deciding import approve_run, refuse_run
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM

type Writes = Callable[[], list[str]]


@pytest.fixture
def edited(imported: Connection) -> Callable[[int], None]:
    FieldMapping.objects.filter(our_field="priority").update(direction="both")

    def edit(count: int) -> None:
        ids = list(Task.objects.order_by("pk").values_list("pk", flat=True)[:count])
        edit_tasks(ids=ids, changes=TaskChanges(priority=2), actor=SYSTEM)
        request_push(task_ids=ids)
        send(imported)

    return edit


def send(connection: Connection) -> None:
    for _ in range(3):
        Push.objects.update(not_before=connection.created_at)
        push_changes(connection_id=connection.pk, heartbeat=lambda: None)


def test_a_few_edits_are_sent(edited: Callable[[int], None], writes_there: Writes) -> None:
    edited(20)
    assert len(writes_there()) == 20
    assert not SyncRun.objects.filter(held_for="mass").exists()


def test_many_edits_are_held_and_nothing_is_sent(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    assert writes_there() == []
    run = SyncRun.objects.get(held_for="mass")
    assert (run.kind, run.state) == ("push", "waiting")
    assert run.changes.filter(is_planned=True, side="there").count() == 25
    assert run.changes.all()[0].fields == {"priority": [4, 2]}
    assert Push.objects.filter(state="held").count() == 25
    # What comes from there is taken over meanwhile.
    assert poll_connection(connection_id=imported.pk, heartbeat=lambda: None)
    assert SyncRun.objects.filter(held_for="mass").count() == 1


def test_approved_edits_are_sent_without_another_question(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    run = approve_run(run=SyncRun.objects.get(held_for="mass"), actor=SYSTEM)
    send(imported)
    assert len(writes_there()) == 25
    run.refresh_from_db()
    assert run.state == "succeeded"
    assert not Push.objects.exists()


def test_refused_edits_stay_here_and_go_with_the_next_edit_of_their_task(
    edited: Callable[[int], None], writes_there: Writes, imported: Connection
) -> None:
    edited(25)
    refuse_run(run=SyncRun.objects.get(held_for="mass"), actor=SYSTEM)
    send(imported)
    assert writes_there() == []
    assert Connection.objects.get(pk=imported.pk).state == "connected"
    assert Task.objects.filter(priority=2).count() == 25
    task = Task.objects.filter(priority=2).order_by("pk")[0]
    request_push(task_ids=[task.pk])
    send(imported)
    assert len(writes_there()) == 1
