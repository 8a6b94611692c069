"""The board's page: columns, more cards, moves."""

import json

from django.test import Client

from tasks.board import CARDS_PER_COLUMN
from tasks.models import Task
from tests.factories.tasks import make_task

HTMX = {"HX-Request": "true"}


def test_the_board_has_a_column_for_each_status(console: Client) -> None:
    make_task(title="Grit the bridge", status="blocked")
    page = console.get("/tasks/board/")
    assert page.status_code == 200
    body = page.content.decode()
    for status in ("planned", "in_progress", "blocked", "in_review", "done"):
        assert f'data-status="{status}"' in body
    assert 'data-status="cancelled"' not in body
    assert "Grit the bridge" in body


def test_a_card_says_what_its_task_waits_for(console: Client) -> None:
    blocker = make_task(title="Order salt")
    make_task(title="Grit the bridge", depends_on=[blocker])
    assert f'title="{blocker.key}"' in console.get("/tasks/board/").content.decode()


def test_more_cards_come_a_column_at_a_time(console: Client) -> None:
    for n in range(CARDS_PER_COLUMN + 2):
        make_task(title=f"Task {n:03}")
    page = console.get("/tasks/board/", {"sort": "title"})
    (column, *_) = page.context["columns"]
    assert (len(column.cards), column.count) == (CARDS_PER_COLUMN, CARDS_PER_COLUMN + 2)
    more = console.get(column.more_url, headers=HTMX).content.decode()
    assert "Task 030" in more
    assert "Task 031" in more
    assert "Show more" not in more
    plain = console.get(column.more_url)
    assert plain.headers["Location"] == "/tasks/?status=planned&sort=title"
    assert console.get("/tasks/board/lost/").status_code == 404


def test_a_card_moves_and_moves_back(console: Client) -> None:
    task = make_task()
    moved = console.post(f"/tasks/{task.key}/move/", {"status": "in_review"}, headers=HTMX)
    assert moved.status_code == 204
    told = json.loads(moved.headers["HX-Trigger"])["toast"]
    assert told["text"] == f"{task.key} moved to In review"
    assert Task.objects.get(pk=task.pk).status == "in_review"
    console.post(told["undo"], headers=HTMX)
    assert Task.objects.get(pk=task.pk).status == "planned"


def test_without_htmx_a_move_leads_back_to_the_board(console: Client) -> None:
    task = make_task()
    moved = console.post(f"/tasks/{task.key}/move/", {"status": "done", "next": "/tasks/board/?sort=due"})
    assert moved.headers["Location"] == "/tasks/board/?sort=due"


def test_a_move_that_may_not_be_says_why(console: Client) -> None:
    blocker = make_task()
    task = make_task(depends_on=[blocker])
    refused = console.post(f"/tasks/{task.key}/move/", {"status": "done"}, headers=HTMX)
    assert refused.status_code == 409
    assert blocker.key in json.loads(refused.headers["HX-Trigger"])["toast"]["text"]
    assert console.post(f"/tasks/{task.key}/move/", {"status": "x"}, headers=HTMX).status_code == 422
    assert console.post("/tasks/NOPE-1/move/", {"status": "done"}, headers=HTMX).status_code == 404
