"""What is refused is set aside with its reason, and nothing else is held up by it."""

from collections.abc import Mapping

import pytest

from integrations.capabilities import RemoteRecord, RemoteValue
from integrations.connectors.notion.sink import NotionTaskSink
from integrations.models import Conflict as Choice
from integrations.models import Connection, ExternalLink, Push, SyncRunIssue
from integrations.sync.push import refusals
from integrations.sync.push.selectors import Standing, standings_of
from integrations.sync.push.services import retry_parked_pushes, retry_push
from tasks.services import archive_task
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import Conflict
from tests.integrations.sync.push.conftest import CREATE, Desk

PATCH = "PATCH /v1/pages/{page_id}"


def test_a_value_the_service_would_refuse_does_not_leave_and_the_others_do(
    desk: Desk, pages: list[str]
) -> None:
    task = desk.task_of(pages[0])
    desk.edit(task, title="Arrives", tags=[f"tag {number}, with a comma" for number in range(2)])
    desk.send()
    desk.send()

    push = Push.objects.get()
    assert (push.state, push.error_code, push.error_field) == ("parked", refusals.VALUE, "Tags")
    assert "comma" in push.error
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"]
    assert desk.title(pages[0]) == "Arrives"

    desk.edit(task, tags=["fine"])
    desk.send()
    assert [tag["name"] for tag in desk.value(pages[0], "Tags")["multi_select"]] == ["fine"]
    assert not Push.objects.exists()


def test_what_the_service_refuses_waits_with_its_message_until_somebody_sends_it_again(
    desk: Desk, pages: list[str]
) -> None:
    message = "body failed validation: body.properties.Priority should be defined."
    desk.sandbox.fault(
        kind="status", status=400, code="validation_error", message=message, operation=PATCH, times=1
    )
    task = desk.task_of(pages[0])
    desk.edit(task, priority=4)
    desk.send()

    push = Push.objects.get()
    assert (push.state, push.error_code, push.error_field) == ("parked", refusals.REFUSED, "Priority")
    assert message in push.error
    # The columns are read once, in case the refusal comes from a change of theirs; so is the record.
    assert desk.calls() == [
        f"PATCH /v1/pages/{pages[0]}",
        f"GET /v1/data_sources/{desk.collection.remote_id}",
        f"GET /v1/pages/{pages[0]}",
    ]
    assert SyncRunIssue.objects.get().code == refusals.REFUSED
    (standing,) = standings_of(actor=SYSTEM, task_id=task.pk)
    assert (standing.standing, standing.push_id) == (Standing.REFUSED, push.pk)

    assert retry_parked_pushes(actor=SYSTEM) == 1
    desk.send()
    assert desk.value(pages[0], "Priority")["select"]["name"] == "P0"
    assert not Push.objects.exists()
    with pytest.raises(Conflict):
        retry_push(push=push, actor=SYSTEM)


def test_an_edit_whose_column_was_deleted_meanwhile_goes_without_it(desk: Desk, pages: list[str]) -> None:
    desk.sandbox.change_schema(
        desk.collection.remote_id, desk.workspace.editor, {"properties": {"Priority": None}}
    )
    desk.edit(desk.task_of(pages[0]), title="Arrives", priority=4)
    desk.send()
    desk.send()

    assert desk.title(pages[0]) == "Arrives"
    assert not Push.objects.exists()


def test_a_page_that_is_gone_leaves_its_task_and_what_was_to_be_sent_has_no_addressee(
    desk: Desk, pages: list[str]
) -> None:
    desk.sandbox.unshare(pages[0])
    task = desk.task_of(pages[0])
    desk.edit(task, title="Nobody there")
    desk.send()

    assert desk.link_of(task).state == ExternalLink.State.ACCESS_LOST
    task.refresh_from_db()
    assert (task.title, task.is_archived) == ("Nobody there", False)
    assert not Push.objects.exists()


def test_a_token_that_is_not_accepted_stops_the_connection_and_a_new_one_sends_what_waited(
    desk: Desk, pages: list[str]
) -> None:
    desk.sandbox.revoke(desk.workspace.token)
    desk.edit(desk.task_of(pages[0]), title="Waits")
    desk.send()

    desk.connection.refresh_from_db()
    assert desk.connection.state == Connection.State.REAUTHORISE
    assert Push.objects.get().state == Push.State.WAITING

    desk.sandbox.revoke(desk.workspace.token, revoked=False)
    Connection.objects.update(state=Connection.State.CONNECTED)
    request = Push.objects.get().task
    desk.edit(request, title="Arrives")
    desk.send()
    assert desk.title(pages[0]) == "Arrives"


def test_a_full_workspace_stops_new_pages_with_a_reason_while_changes_go_on(
    home: Desk, pages: list[str]
) -> None:
    full = {"block_limit": {"limit": 1000}}
    home.sandbox.fault(
        kind="status",
        status=403,
        code="restricted_resource",
        additional_data=full,
        operation=CREATE,
        times=None,
    )
    home.create(title="No room")
    home.send()
    home.create(title="No room either")
    home.edit(home.task_of(pages[0]), title="Changed all the same")
    home.send()

    assert home.calls().count(CREATE) == 1
    assert set(Push.objects.values_list("state", "error_code")) == {("parked", refusals.STORAGE)}
    assert home.title(pages[0]) == "Changed all the same"


def test_a_service_that_asks_to_slow_down_is_asked_again_later_and_nothing_is_parked(
    desk: Desk, pages: list[str]
) -> None:
    desk.sandbox.fault(kind="rate_limit", retry_after=30, operation=PATCH, times=1)
    desk.edit(desk.task_of(pages[0]), title="Later")
    desk.send()

    push = Push.objects.get()
    assert (push.state, push.error_code) == ("waiting", "")


def test_somebody_editing_at_the_same_moment_is_no_reason_to_wait(desk: Desk, pages: list[str]) -> None:
    desk.sandbox.fault(kind="status", status=409, operation=PATCH, times=1)
    desk.edit(desk.task_of(pages[0]), title="Second try")
    desk.send()

    assert desk.title(pages[0]) == "Second try"
    assert not Push.objects.exists()


def test_what_the_service_took_and_did_not_keep_is_told_and_not_sent_for_ever(
    desk: Desk, pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unheard(sink: NotionTaskSink, record_id: str, values: Mapping[str, RemoteValue]) -> RemoteRecord:
        return update(sink, record_id, {key: value for key, value in values.items() if key == "title"})

    update = NotionTaskSink.update_record
    monkeypatch.setattr(NotionTaskSink, "update_record", unheard)
    task = desk.task_of(pages[0])
    desk.edit(task, title="Kept", priority=4)
    desk.send()
    desk.send()
    desk.send()

    push = Push.objects.get()
    assert (push.state, push.error_code, push.error_field) == ("parked", refusals.IGNORED, "Priority")
    assert desk.title(pages[0]) == "Kept"
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"]
    task.refresh_from_db()
    assert task.priority == 4


def test_a_record_that_is_in_the_trash_by_now_is_no_refusal(desk: Desk, pages: list[str]) -> None:
    desk.sandbox.trash(pages[0], desk.workspace.editor)
    task = desk.edit(desk.task_of(pages[0]), title="Edited too late")
    desk.send()

    assert not Push.objects.exists()
    conflict = Choice.objects.get()
    assert (conflict.our_field, conflict.state, conflict.remote) == ("record", "open", "trashed")
    task.refresh_from_db()
    assert (task.title, task.is_archived) == ("Edited too late", False)


def test_a_record_both_sides_put_away_is_no_refusal_although_its_columns_changed_as_well(
    desk: Desk, pages: list[str]
) -> None:
    collection = desk.collection
    collection.trashes_records = True
    collection.save()
    archive_task(task=desk.task_of(pages[0]), actor=SYSTEM)
    desk.sandbox.trash(pages[0], desk.workspace.editor)
    column = {"esti": {"name": "Effort"}}
    desk.sandbox.change_schema(desk.workspace.tasks_id, desk.workspace.editor, {"properties": column})

    desk.send()

    assert not Push.objects.exists()
    assert ExternalLink.objects.get(remote_id=pages[0]).state == "trashed_remote"
