"""What is edited here arrives there: with one call a record, however often it was edited, and with none for nothing."""

from decimal import Decimal

from integrations.models import Push, SyncChange, SyncRun
from integrations.sync.polling import poll_connection
from tests.integrations.sync.push.conftest import Desk


def test_an_edit_here_changes_the_page_with_one_call(desk: Desk, pages: list[str]) -> None:
    task = desk.task_of(pages[0])

    desk.edit(task, title="Renamed here", priority=4)
    desk.send()

    assert desk.title(pages[0]) == "Renamed here"
    assert desk.value(pages[0], "Priority")["select"]["name"] == "P0"
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"]
    assert not Push.objects.exists()


def test_ten_edits_are_one_call(desk: Desk, pages: list[str]) -> None:
    task = desk.task_of(pages[0])

    for number in range(10):
        desk.edit(task, title=f"Draft {number}")
        desk.tell()
    desk.send()

    assert desk.title(pages[0]) == "Draft 9"
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"]


def test_an_edit_taken_back_is_no_call(desk: Desk, pages: list[str]) -> None:
    task = desk.task_of(pages[0])
    before = task.title

    desk.edit(task, title="A slip")
    desk.tell()
    desk.edit(task, title=before)
    desk.send()

    assert desk.calls() == []
    assert not Push.objects.exists()
    assert not SyncRun.objects.filter(kind="push").exists()


def test_only_what_differs_is_sent(desk: Desk, pages: list[str]) -> None:
    desk.edit(desk.task_of(pages[0]), estimate_hours=Decimal(5))
    desk.send()

    change = SyncChange.objects.get(side=SyncChange.Side.THERE)
    assert change.fields == {"estimate": ["2.00", "5.00"]}
    assert change.run.kind == SyncRun.Kind.PUSH
    assert (change.run.state, change.run.pushed, change.run.calls) == ("succeeded", 1, 1)


def test_our_own_change_is_none_for_the_next_look(desk: Desk, pages: list[str]) -> None:
    desk.edit(desk.task_of(pages[0]), title="Renamed here")
    desk.send()
    desk.calls()

    poll_connection(connection_id=desk.connection.pk, heartbeat=lambda: None)

    assert not SyncRun.objects.filter(kind="poll").exists()
    assert len(desk.calls()) == 2
    assert not Push.objects.exists()
