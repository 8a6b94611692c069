"""Whoever is killed between two calls about a text has lost nothing and doubled nothing."""

import pytest

from integrations.models import AgreedBody, ExternalLink
from integrations.sync.body_pushing import BodyOutcome, push_body
from integrations.sync.guarded_body_sink import open_desk
from integrations.sync.session import open_source
from tasks.models import Task
from tests.integrations.sync.push.conftest import Desk
from tests.integrations.sync.push.test_texts import text_there, written

__all__ = ["written"]

WANTED = "One, new.\n\n## Between\n\nThree, new.\n\n- four\n    - five"
BLOCKS = [
    "paragraph: One, new.", "heading_2: Between", "paragraph: Three, new.", "bulleted_list_item: four",
    "  bulleted_list_item: five",
]  # fmt: skip


class Killed(BaseException):
    """As if the process had ended: nothing that runs can catch it."""


def push(desk: Desk, task: Task, *, dies_after: int | None = None) -> BodyOutcome:
    """Write the text of a task; `dies_after` so many calls that change something."""
    link = ExternalLink.objects.select_related("connection").get(task=task)
    opened = open_source(desk.connection)
    left = [dies_after]

    def check() -> None:
        if left[0] is not None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1

    return push_body(lambda: open_desk(desk.connection, opened.guard), link, check=check)


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_killed_between_two_calls_it_goes_on_where_it_stood(desk: Desk, written: Task, calls: int) -> None:
    Task.objects.filter(pk=written.pk).update(description=WANTED)

    with pytest.raises(Killed):
        push(desk, written, dies_after=calls)
    assert AgreedBody.objects.get(link__task=written).text == "One.\n\nTwo.\n\nThree."

    assert push(desk, written) is BodyOutcome.SENT
    assert text_there(desk, written) == BLOCKS
    assert push(desk, written) is BodyOutcome.UNCHANGED


def test_killed_after_the_last_call_there_is_nothing_left_to_send(desk: Desk, written: Task) -> None:
    held: list[None] = []

    def hold() -> None:
        held.append(None)
        if len(held) > 1:  # not before the first call, but when all is written down
            raise Killed

    Task.objects.filter(pk=written.pk).update(description=WANTED)
    link = ExternalLink.objects.select_related("connection").get(task=written)
    opened = open_source(desk.connection)
    with pytest.raises(Killed):
        push_body(lambda: open_desk(desk.connection, opened.guard), link, hold=hold)
    desk.calls()

    assert push(desk, written) is BodyOutcome.TAKEN
    assert desk.writes() == []
    assert AgreedBody.objects.get(link__task=written).text == WANTED
