"""What somebody has said is not to be sent is not asked about again until it is edited anew."""

import pytest

from integrations.models import Connection, FieldMapping, Push, SyncRun
from integrations.sync.push.requests import request_push
from integrations.sync.push.sender import push_changes
from integrations.sync.push.unsent import Scope, request_unsent
from integrations.sync.safety.deciding import refuse_run
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import edit_tasks
from tenants.accounts.access import SYSTEM


def find_edited(connection: Connection) -> int:
    """What a full check does at its end."""
    return request_unsent(connection_id=connection.pk, scope=Scope.EDITED, heartbeat=lambda: None)


@pytest.fixture
def refused(imported: Connection) -> list[Task]:
    """Tasks whose edits were held and refused."""
    FieldMapping.objects.filter(our_field="priority").update(direction="both")
    tasks = list(Task.objects.order_by("pk")[:25])
    ids = [task.pk for task in tasks]
    edit_tasks(ids=ids, changes=TaskChanges(priority=2), actor=SYSTEM)
    request_push(task_ids=ids)
    Push.objects.update(not_before=imported.created_at)
    push_changes(connection_id=imported.pk, heartbeat=lambda: None)
    assert Push.objects.filter(state="held").count() == 25
    refuse_run(run=SyncRun.objects.get(held_for="mass"), actor=SYSTEM)
    return tasks


def test_a_full_check_asks_about_them_again_only_once_they_were_edited(
    imported: Connection, refused: list[Task]
) -> None:
    assert find_edited(imported) == 0
    assert not Push.objects.exists()

    edit_tasks(ids=[refused[0].pk], changes=TaskChanges(title="Edited anew"), actor=SYSTEM)

    assert find_edited(imported) == 1
    assert Push.objects.get().task_id == refused[0].pk
