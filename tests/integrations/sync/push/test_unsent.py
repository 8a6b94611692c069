"""What was changed here while nothing was sent is found later: once reconnected, written both ways, checked whole."""

from dataclasses import replace

import pytest

from integrations.models import Conflict, ExternalLink, FieldMapping, Push, SyncedCollection, SyncRun
from integrations.services import connect_workspace, disconnect_connection, start_sync_run
from integrations.sync.push.unsent import Scope, request_unsent
from integrations.sync.services import confirm_mapping, current_choices
from tasks.models import Task
from tasks.services import archive_tasks
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import LimitReached
from tests.fakes.dispatch import make_due
from tests.integrations.sync.push.conftest import Desk


def cut_off(desk: Desk) -> None:
    disconnect_connection(connection=desk.connection, actor=SYSTEM)
    desk.tell()


def patches(desk: Desk) -> list[str]:
    return [call for call in desk.calls() if call.startswith("PATCH")]


def reconnect(desk: Desk) -> None:
    """Connect the workspace again, and let everything that follows from it happen, however long it takes."""
    connect_workspace(token=desk.workspace.token, actor=SYSTEM, requests_per_minute=None)
    for _ in range(3):
        desk.tell()
        make_due(desk.tenant)
    desk.send()


def test_a_scope_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        Scope("yesterday")


def test_an_edit_made_while_disconnected_is_sent_when_the_workspace_is_back(
    desk: Desk, pages: list[str]
) -> None:
    cut_off(desk)
    desk.edit(desk.task_of(pages[0]), title="Said while away")
    desk.send()
    assert not Push.objects.exists()
    desk.calls()

    reconnect(desk)

    assert desk.title(pages[0]) == "Said while away"
    # Only the one that differs.
    assert patches(desk) == [f"PATCH /v1/pages/{pages[0]}"]
    assert not Push.objects.exists()


def test_a_text_written_while_disconnected_is_sent_as_well(desk: Desk, pages: list[str]) -> None:
    cut_off(desk)
    desk.edit(desk.task_of(pages[1]), description="A new paragraph.")
    desk.send()
    desk.calls()

    reconnect(desk)

    assert patches(desk) != []
    assert not Push.objects.exists()


def test_nothing_is_compared_before_the_workspace_was_read(desk: Desk, pages: list[str]) -> None:
    cut_off(desk)
    connect_workspace(token=desk.workspace.token, actor=SYSTEM, requests_per_minute=None)
    with pytest.raises(LimitReached):
        request_unsent(connection_id=desk.connection.pk, scope=Scope.RECONNECTED, heartbeat=lambda: None)


def test_what_both_sides_changed_meanwhile_is_a_conflict_and_is_not_overwritten(
    desk: Desk, pages: list[str]
) -> None:
    cut_off(desk)
    desk.edit(desk.task_of(pages[0]), title="Said here while away")
    theirs = {"properties": {"Task": {"title": [{"text": {"content": "Said there while away"}}]}}}
    desk.sandbox.edit(pages[0], desk.workspace.editor, theirs)

    reconnect(desk)

    conflict = Conflict.objects.get(our_field="title")
    assert (conflict.local, conflict.remote) == ("Said here while away", "Said there while away")


def test_tasks_made_and_archived_while_disconnected_follow(home: Desk, pages: list[str]) -> None:
    SyncedCollection.objects.filter(pk=home.collection.pk).update(trashes_records=True)
    old = Task.objects.count()
    cut_off(home)
    made = home.create(title="Made while away")
    archive_tasks(ids=[home.task_of(pages[0]).pk], actor=SYSTEM)
    home.send()
    assert Task.objects.count() == old + 1

    reconnect(home)

    assert ExternalLink.objects.filter(task=made).exists()
    assert home.page(pages[0]).get("in_trash", home.page(pages[0]).get("archived"))


def test_a_workspace_that_is_disconnected_gets_nothing(desk: Desk, pages: list[str]) -> None:
    cut_off(desk)
    desk.edit(desk.task_of(pages[0]), title="Said while away")
    desk.tell()
    for scope in Scope:
        assert request_unsent(connection_id=desk.connection.pk, scope=scope, heartbeat=lambda: None) == 0
    assert not Push.objects.exists()


def test_what_was_edited_while_a_column_was_only_read_goes_when_it_goes_both_ways(
    desk: Desk, pages: list[str]
) -> None:
    def decide(direction: str) -> None:
        choices = [
            replace(item, direction=direction) if item.our_field == "title" else item
            for item in current_choices(desk.collection)
        ]
        confirm_mapping(collection=desk.collection, choices=choices, actor=SYSTEM)

    decide("in")
    desk.edit(desk.task_of(pages[0]), title="Stays for now")
    desk.send()
    assert desk.title(pages[0]) != "Stays for now"
    assert not Push.objects.exists()

    decide("both")
    desk.send()

    assert desk.title(pages[0]) == "Stays for now"


def test_a_full_check_sends_what_was_edited_since_its_record_was_read(desk: Desk, pages: list[str]) -> None:
    desk.edit(desk.task_of(pages[0]), title="Its push was lost")
    desk.tell()
    Push.objects.all().delete()
    desk.calls()

    start_sync_run(connection=desk.connection, actor=SYSTEM, kind=SyncRun.Kind.FULL)
    desk.send()

    assert desk.title(pages[0]) == "Its push was lost"
    assert len(patches(desk)) == 1


def test_tasks_in_step_get_no_row_however_many_are_compared(desk: Desk) -> None:
    FieldMapping.objects.filter(collection=desk.collection, our_field="title").update(direction="both")
    assert request_unsent(connection_id=desk.connection.pk, scope=Scope.ALL, heartbeat=lambda: None) == 0
    assert not Push.objects.exists()
