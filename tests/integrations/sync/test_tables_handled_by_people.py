"""What people do to whole tables there: they lock, move and duplicate them, and give an option's name to another."""

import json
from typing import Any
from urllib.request import Request, urlopen

from django.conf import settings

from integrations.models import ExternalLink, SyncedCollection
from integrations.sync.polling import poll_connection
from integrations.sync.services import confirm_mapping, current_choices, discover_collections
from tasks.models import Task
from tenants.accounts.access import SYSTEM
from tests.factories.notion import an_id
from tests.integrations.sync.push.conftest import Desk, desk, home, pages

__all__ = ["desk", "home", "pages"]


def change_database(desk: Desk, **changes: Any) -> None:
    """As somebody in the workspace would, with the service's own call."""
    request = Request(
        f"{settings.NOTION_BASE_URL}/v1/databases/{an_id(desk.workspace.name, 'database', 'Tasks')}",
        data=json.dumps(changes).encode(),
        method="PATCH",
        headers={
            "Authorization": f"Bearer {desk.workspace.token}",
            "Notion-Version": "2026-03-11",
            "Content-Type": "application/json",
        },
    )
    with urlopen(request) as answer:
        assert answer.status == 200


def renamed_there(desk: Desk, page_id: str, title: str) -> None:
    desk.sandbox.edit(
        page_id, desk.workspace.editor, {"properties": {"Task": {"title": [{"text": {"content": title}}]}}}
    )


def look(desk: Desk) -> None:
    poll_connection(connection_id=desk.connection.pk, heartbeat=lambda: None)


def assert_in_step_both_ways(desk: Desk, page_id: str) -> None:
    task = desk.task_of(page_id)
    renamed_there(desk, page_id, "Said there")
    look(desk)
    task.refresh_from_db()
    assert task.title == "Said there"
    desk.edit(task, title="Said here")
    desk.send()
    assert desk.title(page_id) == "Said here"


def test_a_locked_database_goes_on_both_ways(desk: Desk, pages: list[str]) -> None:
    change_database(desk, is_locked=True)
    assert_in_step_both_ways(desk, pages[0])
    assert Task.objects.count() == 3


def test_a_database_moved_to_another_place_goes_on_both_ways(desk: Desk, pages: list[str]) -> None:
    change_database(desk, parent={"type": "page_id", "page_id": pages[2]})
    discover_collections(connection=desk.connection, actor=SYSTEM)
    assert_in_step_both_ways(desk, pages[0])
    assert (Task.objects.count(), desk.collection.state) == (3, "ready")


def test_a_duplicated_database_brings_nothing_by_itself_and_rows_of_its_own_when_asked(home: Desk) -> None:
    original = ExternalLink.objects.filter(task__isnull=False).order_by("pk").first()
    assert original is not None
    before = Task.objects.count()
    home.sandbox.duplicate(an_id(home.workspace.name, "database", "Tasks"), home.workspace.editor)
    discover_collections(connection=home.connection, actor=SYSTEM)
    look(home)
    home.send()

    copy = SyncedCollection.objects.exclude(remote_id=home.workspace.tasks_id).get(role="tasks")
    assert (copy.is_enabled, copy.mapping_state, Task.objects.count()) == (False, "proposed", before)

    # The copies carry our ids of the originals: that makes them none of them.
    confirm_mapping(collection=copy, choices=current_choices(copy), actor=SYSTEM)
    home.send()

    assert Task.objects.count() == 2 * before
    original.refresh_from_db()
    assert original.collection.remote_id == home.workspace.tasks_id
    assert original.task is not None
    home.edit(original.task, title="Only the original")
    home.send()
    assert home.title(original.remote_id) == "Only the original"
    copied = ExternalLink.objects.filter(collection=copy).values_list("remote_id", flat=True)
    assert "Only the original" not in {home.title(page_id) for page_id in copied}


def test_an_option_renamed_and_its_name_used_again_changes_nobodys_meaning(
    desk: Desk, pages: list[str]
) -> None:
    urgent = desk.task_of(pages[0])
    desk.edit(urgent, priority=Task.Priority.URGENT)
    desk.send()
    chosen = desk.value(pages[0], "Priority")["select"]["id"]
    _, source = desk.sandbox.holder_of(desk.workspace.tasks_id)
    known = source.obj["properties"]["Priority"]["select"]["options"]
    options = [
        {"id": each["id"], "name": "Was first" if each["id"] == chosen else each["name"]} for each in known
    ]
    old_name = next(each["name"] for each in known if each["id"] == chosen)
    for wanted in (options, [*options, {"name": old_name}]):
        desk.sandbox.change_schema(
            desk.workspace.tasks_id,
            desk.workspace.editor,
            {"properties": {"Priority": {"select": {"options": wanted}}}},
        )
    look(desk)

    urgent.refresh_from_db()
    assert urgent.priority == Task.Priority.URGENT
    other = desk.edit(desk.task_of(pages[1]), priority=Task.Priority.URGENT)
    desk.send()

    # What is urgent here goes to the option that means it, by its id, whatever it is called now.
    assert desk.value(pages[1], "Priority")["select"]["id"] == chosen
    look(desk)
    other.refresh_from_db()
    assert other.priority == Task.Priority.URGENT
