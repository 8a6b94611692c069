"""Killed between any two steps, or left without an answer: nothing is made twice, and no edit is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ExternalLink, Push
from integrations.sync.polling import poll_connection
from integrations.sync.push import one_push, settling
from integrations.sync.push.requests import request_push
from integrations.sync.push.sender import push_changes
from tasks.models import Task
from tasks.services import archive_task
from tenants.accounts.access import SYSTEM
from tenants.tenancy import atomic
from tests.integrations.sync.push.conftest import CREATE, Desk, titles


class Killed(BaseException):
    """The worker is gone in the middle of it: nobody tidies up."""


def killed(*_: object, **__: object) -> Any:
    raise Killed


def before_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(one_push._Sending, "_call", killed)


def after_the_call(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(one_push, "settle", killed)


def in_the_middle_of_settling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "_write_change", killed)


def after_settling(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(settling, "take_over", killed)


STEPS = [before_the_call, after_the_call, in_the_middle_of_settling, after_settling]


def kill(desk: Desk, step: Callable[[pytest.MonkeyPatch], None]) -> None:
    """Send what waits with a worker that is killed at this step; its lease runs out."""
    desk.tell()
    Push.objects.update(not_before=timezone.now())
    with pytest.MonkeyPatch.context() as patch:
        step(patch)
        with pytest.raises(Killed):
            push_changes(connection_id=desk.connection.pk, heartbeat=lambda: None)


@pytest.mark.parametrize("step", STEPS)
def test_an_edit_broken_off_arrives_once_it_is_known_what_became_of_it(
    desk: Desk, pages: list[str], step: Callable[[pytest.MonkeyPatch], None]
) -> None:
    task = desk.task_of(pages[0])
    desk.edit(task, title="Survives")

    kill(desk, step)
    desk.send()

    assert desk.title(pages[0]) == "Survives"
    assert Task.objects.get(pk=task.pk).title == "Survives"
    assert not Push.objects.exists()
    assert desk.calls().count(f"PATCH /v1/pages/{pages[0]}") == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_making_broken_off_leaves_one_page_and_one_task(
    home: Desk, step: Callable[[pytest.MonkeyPatch], None]
) -> None:
    task = home.create(title="Survives")

    kill(home, step)
    long_ago = timezone.now() - timedelta(minutes=2)
    Push.objects.filter(sent_at__isnull=False).update(sent_at=long_ago)
    home.send()
    home.send()

    assert titles(home).count("Survives") == 1
    assert Task.objects.filter(title="Survives").count() == 1
    assert ExternalLink.objects.filter(task=task).count() == 1
    assert not Push.objects.exists()
    assert home.calls().count(CREATE) == 1


def test_an_edit_made_while_one_is_being_sent_is_sent_after_it(desk: Desk, pages: list[str]) -> None:
    task = desk.task_of(pages[0])
    desk.edit(task, title="First")
    call = one_push._Sending._call

    def edited_meanwhile(self: Any, prepared: Any) -> Any:
        reply = call(self, prepared)
        desk.edit(task, title="Second")
        request_push(task_ids=[task.pk])
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_push._Sending, "_call", edited_meanwhile)
        desk.send()
    assert desk.title(pages[0]) == "First"
    assert Task.objects.get(pk=task.pk).title == "Second"

    desk.send()
    assert desk.title(pages[0]) == "Second"
    assert not Push.objects.exists()


def test_a_task_archived_while_its_page_is_being_made_takes_the_page_to_the_trash(home: Desk) -> None:
    collection = home.collection
    collection.trashes_records = True
    collection.save()
    task = home.create(title="A slip")
    call = one_push._Sending._call

    def archived_meanwhile(self: Any, prepared: Any) -> Any:
        reply = call(self, prepared)
        with atomic():
            if not Task.objects.get(pk=task.pk).is_archived:
                archive_task(task=task, actor=SYSTEM)
                request_push(task_ids=[task.pk])
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_push._Sending, "_call", archived_meanwhile)
        home.send()
    home.send()

    assert home.page(home.link_of(task).remote_id)["in_trash"] is True
    assert not Push.objects.exists()


def test_an_unanswered_edit_that_arrived_is_not_sent_again(desk: Desk, pages: list[str]) -> None:
    desk.sandbox.fault(kind="commit_then_reset", operation="PATCH /v1/pages/{page_id}")
    desk.edit(desk.task_of(pages[0]), title="Arrived")
    desk.send()
    desk.send()

    assert desk.title(pages[0]) == "Arrived"
    assert desk.calls() == [f"PATCH /v1/pages/{pages[0]}", f"GET /v1/pages/{pages[0]}"]
    assert not Push.objects.exists()


def test_an_unanswered_edit_that_did_not_arrive_is_sent_again_and_somebody_else_s_is_kept(
    desk: Desk, pages: list[str]
) -> None:
    desk.sandbox.fault(kind="reset", operation="PATCH /v1/pages/{page_id}")
    task = desk.task_of(pages[0])
    desk.edit(task, title="Not yet")
    desk.send()
    desk.sandbox.clock.advance(120)
    desk.sandbox.edit(pages[0], desk.workspace.editor, {"properties": {"Estimate (h)": {"number": 7}}})
    desk.send()

    assert desk.title(pages[0]) == "Not yet"
    assert str(Task.objects.get(pk=task.pk).estimate_hours) == "7.00"
    assert desk.value(pages[0], "Estimate (h)")["number"] == 7
    assert not Push.objects.exists()


def test_a_reading_that_comes_upon_a_page_whose_making_was_not_answered_makes_no_second_task(
    home: Desk,
) -> None:
    home.sandbox.fault(kind="commit_then_reset", operation="POST /v1/pages")
    task = home.create(title="Found by a reading")
    home.send()
    assert Push.objects.get().state == Push.State.AMBIGUOUS

    poll_connection(connection_id=home.connection.pk, heartbeat=lambda: None)
    assert Task.objects.filter(title="Found by a reading").count() == 1
    assert home.link_of(task).task_id == task.pk

    home.send()
    assert titles(home).count("Found by a reading") == 1
    assert not Push.objects.exists()
