"""Where no events come, what is about to be written is looked at first: once for all, and only where it is written."""

import pytest

from integrations.models import Conflict, FieldMapping, Push, WebhookSubscription
from integrations.sync.polling import poll_connection
from tasks.models import Task
from tests.integrations.sync.push.conftest import Desk

QUERY = "/query"


@pytest.fixture
def deaf(desk: Desk) -> Desk:
    """Nobody tells of what happens there."""
    desk.hear_nothing()
    return desk


def rename_there(desk: Desk, page_id: str, title: str) -> None:
    properties = {"Task": {"title": [{"text": {"content": title}}]}}
    desk.sandbox.edit(page_id, desk.workspace.editor, {"properties": properties})


def test_one_record_is_read_before_it_is_written(deaf: Desk, pages: list[str]) -> None:
    deaf.edit(deaf.task_of(pages[0]), title="Ours")
    deaf.send()

    assert deaf.calls() == [f"GET /v1/pages/{pages[0]}", f"PATCH /v1/pages/{pages[0]}"]
    assert deaf.title(pages[0]) == "Ours"


def test_several_records_are_looked_at_with_one_question(deaf: Desk, pages: list[str]) -> None:
    for page_id in pages:
        deaf.edit(deaf.task_of(page_id), title=f"Ours {page_id[:4]}")
    deaf.send()

    asked, *written = deaf.calls()
    assert asked.endswith(QUERY)
    assert sorted(written) == sorted(f"PATCH /v1/pages/{page_id}" for page_id in pages)


def test_where_events_come_nothing_is_looked_at(desk: Desk, pages: list[str]) -> None:
    for page_id in pages:
        desk.edit(desk.task_of(page_id), title=f"Ours {page_id[:4]}")
    desk.send()

    assert len(desk.calls()) == len(pages)


@pytest.mark.parametrize("state", ["waiting", "confirming", "silent", "off"])
def test_an_address_that_hears_nothing_counts_as_none(desk: Desk, pages: list[str], state: str) -> None:
    WebhookSubscription.objects.update(state=state)
    desk.edit(desk.task_of(pages[0]), title="Ours")
    desk.send()

    assert len(desk.calls()) == 2


def test_an_edit_taken_back_is_no_reason_to_look(deaf: Desk, pages: list[str]) -> None:
    task = deaf.task_of(pages[0])
    before = task.title
    deaf.edit(task, title="A slip")
    deaf.tell()
    deaf.edit(task, title=before)
    deaf.send()

    assert deaf.calls() == []


@pytest.mark.parametrize("how_many", [1, 3])
def test_two_edits_of_the_same_field_in_the_same_minute_are_a_conflict_and_neither_is_lost(
    deaf: Desk, pages: list[str], how_many: int
) -> None:
    FieldMapping.objects.filter(our_field="title").update(policy="manual")
    for page_id in pages[:how_many]:
        deaf.edit(deaf.task_of(page_id), title="Ours", priority=4)
        rename_there(deaf, page_id, "Theirs")
    deaf.send()

    for page_id in pages[:how_many]:
        row = Conflict.objects.get(link__remote_id=page_id)
        assert (row.state, row.local, row.remote) == (Conflict.State.OPEN, "Ours", "Theirs")
        assert (deaf.title(page_id), deaf.task_of(page_id).title) == ("Theirs", "Ours")
        # What nobody disputes went out all the same.
        assert deaf.value(page_id, "Priority")["select"]["name"] == "P0"


def test_what_was_edited_beside_ours_comes_in(deaf: Desk, pages: list[str]) -> None:
    task = deaf.task_of(pages[0])
    for page_id in pages[:2]:
        deaf.edit(deaf.task_of(page_id), title=f"Ours {page_id[:4]}")
    deaf.sandbox.edit(pages[0], deaf.workspace.editor, {"properties": {"Estimate (h)": {"number": 9}}})
    deaf.send()

    assert str(Task.objects.get(pk=task.pk).estimate_hours) == "9.00"
    assert not Conflict.objects.exists()


def test_a_table_that_cannot_be_read_holds_up_no_edit(deaf: Desk, pages: list[str]) -> None:
    deaf.sandbox.fault(kind="status", status=400, operation="POST /v1/data_sources/{data_source_id}/query")
    for page_id in pages[:2]:
        deaf.edit(deaf.task_of(page_id), title="Ours")
    deaf.send()

    assert [deaf.title(page_id) for page_id in pages[:2]] == ["Ours", "Ours"]
    assert not Push.objects.exists()


def test_where_more_was_edited_than_is_to_be_written_each_record_is_read(
    deaf: Desk, pages: list[str]
) -> None:
    for number in range(101):
        page = {"Task": {"title": [{"text": {"content": f"More {number}"}}]}}
        parent = {"data_source_id": deaf.workspace.tasks_id}
        deaf.sandbox.create(deaf.workspace.editor, {"parent": parent, "properties": page})
    for page_id in pages[:2]:
        deaf.edit(deaf.task_of(page_id), title="Ours")
        rename_there(deaf, page_id, "Theirs")
    deaf.send()

    calls = deaf.calls()
    assert sum(call.endswith(QUERY) for call in calls) == 1
    assert {f"GET /v1/pages/{page_id}" for page_id in pages[:2]} <= set(calls)
    assert Conflict.objects.count() == 2


def test_the_next_look_takes_over_what_this_one_left(deaf: Desk, pages: list[str]) -> None:
    rename_there(deaf, pages[2], "Theirs")
    for page_id in pages[:2]:
        deaf.edit(deaf.task_of(page_id), title="Ours")
    deaf.send()
    assert deaf.task_of(pages[2]).title != "Theirs"

    poll_connection(connection_id=deaf.connection.pk, heartbeat=lambda: None)

    assert deaf.task_of(pages[2]).title == "Theirs"
