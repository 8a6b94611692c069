"""A task made here gets a record there: once, whatever happens to the answers; archived ones go to the trash if set."""

from uuid import UUID

import pytest

from integrations.models import ExternalLink, Push
from integrations.sync.push.requests import request_push
from tasks.models import Task
from tasks.services import add_dependency, archive_task, restore_task
from tenants.accounts.access import SYSTEM
from tenants.accounts.models import Department
from tests.integrations.sync.push.conftest import CREATE, Desk, titles


def test_a_task_made_here_stays_here_while_no_database_takes_new_ones(desk: Desk) -> None:
    desk.create(title="Only here")
    desk.send()

    assert desk.calls() == []
    assert not Push.objects.exists()


def test_a_task_made_here_becomes_a_page_that_carries_our_id(desk: Desk) -> None:
    collection = desk.collection
    collection.takes_new_tasks = True
    collection.save()

    task = desk.create(title="Made here", priority=4, tags=["A", "B"])
    desk.send()

    link = desk.link_of(task)
    assert desk.title(link.remote_id) == "Made here"
    assert desk.value(link.remote_id, "Task Sync ID")["rich_text"][0]["text"]["content"] == str(task.pk)
    assert [tag["name"] for tag in desk.value(link.remote_id, "Tags")["multi_select"]] == ["A", "B"]
    # Once for a database: look at its columns, add ours.
    assert desk.calls() == [
        f"GET /v1/data_sources/{collection.remote_id}",
        f"PATCH /v1/data_sources/{collection.remote_id}",
        CREATE,
    ]
    assert not Push.objects.exists()


def test_the_next_one_is_one_call(home: Desk) -> None:
    home.create(title="The second one")
    home.send()

    assert home.calls() == [CREATE]
    assert titles(home).count("The second one") == 1


def test_a_new_task_goes_where_its_department_s_tasks_are(home: Desk) -> None:
    department = Department.objects.create(name="Legal")
    collection = home.collection
    collection.department_name = "Sales"
    collection.save()

    task = home.create(title="For the lawyers", department_id=department.pk)
    home.send()
    assert home.calls() == []

    collection.department_name = "legal"
    collection.save()
    request_push(task_ids=[task.pk])
    home.send()
    assert home.calls() == [CREATE]


def test_one_made_and_archived_before_it_was_sent_is_never_made_there(home: Desk) -> None:
    task = home.create(title="A slip")
    home.tell()
    archive_task(task=task, actor=SYSTEM)
    home.send()

    assert home.calls() == []
    assert not Push.objects.exists()


def test_relations_to_tasks_made_at_the_same_time_are_set_once_both_are_there(home: Desk) -> None:
    first, second = home.create(title="Waits"), home.create(title="Is waited for")
    add_dependency(task=first, depends_on=second, actor=SYSTEM)
    home.send()
    home.send()

    here, there = home.link_of(first), home.link_of(second)
    assert [item["id"] for item in home.value(here.remote_id, "Blocked by")["relation"]] == [there.remote_id]
    assert home.calls() == [CREATE, CREATE, f"PATCH /v1/pages/{here.remote_id}"]


def test_an_archived_task_s_page_stays_unless_its_database_wants_it_in_the_trash(
    desk: Desk, pages: list[str]
) -> None:
    archive_task(task=desk.task_of(pages[0]), actor=SYSTEM)
    desk.send()
    assert desk.calls() == []

    collection = desk.collection
    collection.trashes_records = True
    collection.save()
    task = desk.task_of(pages[1])
    archive_task(task=task, actor=SYSTEM)
    desk.send()

    assert desk.calls() == [f"PATCH /v1/pages/{pages[1]}"]
    assert desk.page(pages[1])["in_trash"] is True
    assert desk.link_of(task).state == ExternalLink.State.TRASHED_REMOTE


def test_a_restored_task_s_page_comes_out_of_the_trash_with_what_was_edited_since(
    desk: Desk, pages: list[str]
) -> None:
    collection = desk.collection
    collection.trashes_records = True
    collection.save()
    task = desk.task_of(pages[0])
    desk.edit(task, title="Edited and put away")
    archive_task(task=task, actor=SYSTEM)
    desk.send()
    desk.calls()

    restore_task(task=task, actor=SYSTEM)
    desk.send()
    desk.send()

    assert desk.page(pages[0])["in_trash"] is False
    assert desk.title(pages[0]) == "Edited and put away"
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}"] * 2
    assert desk.link_of(task).state == ExternalLink.State.CLEAN
    assert not Push.objects.exists()


@pytest.mark.parametrize("kind", ["commit_then_503", "commit_then_reset"])
def test_a_page_whose_making_was_not_answered_is_found_and_not_made_again(home: Desk, kind: str) -> None:
    home.sandbox.fault(kind=kind, operation="POST /v1/pages")

    task = home.create(title="Answer lost")
    home.send()
    home.send()

    assert titles(home).count("Answer lost") == 1
    assert home.calls().count(CREATE) == 1
    assert home.link_of(task).task_id == task.pk
    assert Task.objects.filter(title="Answer lost").count() == 1
    assert not Push.objects.exists()


def test_one_that_failed_for_sure_is_made_again(home: Desk) -> None:
    home.sandbox.fault(kind="status", status=500, operation="POST /v1/pages")

    task = home.create(title="Second try")
    home.send()
    home.send()

    assert titles(home).count("Second try") == 1
    assert isinstance(home.link_of(task).task_id, UUID)


def test_nothing_is_made_twice_while_a_request_may_still_be_under_way(home: Desk) -> None:
    home.sandbox.fault(kind="reset", operation="POST /v1/pages")

    home.create(title="Under way")
    home.send()
    home.send()

    push = Push.objects.get()
    assert push.state == Push.State.AMBIGUOUS
    assert home.calls().count(CREATE) == 1
