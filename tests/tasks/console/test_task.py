"""One task's page: what it shows, what can be changed on it, and by whom."""

from collections.abc import Callable
from datetime import date

import pytest
from django.test import Client

from tasks.models import Comment, Task, TaskDependency
from tenants.accounts.access import UserActor
from tests.factories.tasks import make_department, make_person, make_project, make_task

HTMX = {"HX-Request": "true"}


def test_the_page_shows_all_of_a_task(console: Client) -> None:
    blocker, part_title = make_task(title="Order salt"), "Close the lane"
    task = make_task(
        title="Grit the bridge",
        description="# Plan\n\n- **first**\n\n<script>alert(1)</script> [x](javascript:alert(1))",
        department=make_department(name="Roads"),
        project=make_project(name="Winter"),
        assignees=[make_person(name="Ann Demo")],
        depends_on=[blocker],
        tags=["ice"],
        source="Field notes",
        source_url="https://example.org/page",
    )
    make_task(title=part_title, parent=task)
    body = console.get(f"/tasks/{task.key.lower()}/").content.decode()
    for shown in ("Grit the bridge", "<strong>first</strong>", "Roads", "Winter", "Ann Demo", "Order salt",
                  part_title, "ice", "Field notes", "https://example.org/page"):  # fmt: skip
        assert shown in body, shown
    assert "<script>alert" not in body
    assert 'href="javascript' not in body
    assert "hx-ignore" in body


@pytest.mark.parametrize(
    ("name", "value", "column", "stored"),
    [
        ("status", "in_review", "status", "in_review"),
        ("priority", "4", "priority", 4),
        ("due_on", "2026-12-02", "due_on", date(2026, 12, 2)),
        ("due_on", "", "due_on", None),
        ("department", "", "department", None),
    ],
)
def test_a_property_is_set_from_its_own_form(
    console: Client, name: str, value: str, column: str, stored: object
) -> None:
    task = make_task(due_on=date(2026, 1, 1), department=make_department())
    answer = console.post(f"/tasks/{task.key}/set/", {name: value}, headers=HTMX)
    assert answer.status_code == 200
    assert getattr(Task.objects.get(pk=task.pk), column) == stored
    plain = console.post(f"/tasks/{task.key}/set/", {name: value})
    assert plain.headers["Location"] == f"/tasks/{task.key}/"


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "x"), ("priority", "high"), ("due_on", "2026-02-31"), ("project", "x"), ("a", "b")],
)
def test_a_bad_property_is_refused(console: Client, name: str, value: str) -> None:
    task = make_task()
    assert console.post(f"/tasks/{task.key}/set/", {name: value}, headers=HTMX).status_code == 422


def test_a_task_is_made_with_a_form(console: Client) -> None:
    person, project = make_person(), make_project(key="OPS")
    page = console.get("/tasks/new/", {"status": "blocked"})
    assert '<option value="blocked" selected>' in page.content.decode()
    form = {
        "title": "Order salt", "status": "planned", "priority": "3", "assignee_ids": [str(person.pk)],
        "project_id": str(project.pk), "due_on": "2026-12-02", "tags": "ice, road", "estimate_hours": "1.5",
    }  # fmt: skip
    made = console.post("/tasks/new/", form)
    assert made.headers["Location"] == "/tasks/OPS-1/"
    task = Task.objects.get(key="OPS-1")
    assert (task.title, task.tags, list(task.assignees.all())) == ("Order salt", ["ice", "road"], [person])


def test_a_form_that_does_not_fit_comes_back_with_its_errors(console: Client) -> None:
    refused = console.post("/tasks/new/", {"title": "", "status": "planned", "priority": "0"})
    assert refused.status_code == 422
    assert 'id="id_title_error"' in refused.content.decode()
    late = {
        "title": "A",
        "status": "planned",
        "priority": "0",
        "start_on": "2026-02-02",
        "due_on": "2026-02-01",
    }
    assert 'id="id_due_on_error"' in console.post("/tasks/new/", late).content.decode()


def test_a_task_is_changed_with_a_form(console: Client) -> None:
    task = make_task(title="Order salt", tags=["ice"])
    page = console.get(f"/tasks/{task.key}/edit/").content.decode()
    assert 'value="Order salt"' in page
    form = {"title": "Order grit", "status": "planned", "priority": "0", "description": "New", "tags": ""}
    assert console.post(f"/tasks/{task.key}/edit/", form).status_code == 302
    task.refresh_from_db()
    assert (task.title, task.description, task.tags) == ("Order grit", "New", [])


def test_comments_are_written_and_shown_as_safe_markdown(console: Client) -> None:
    task = make_task()
    answer = console.post(
        f"/tasks/{task.key}/comment/", {"body": "**Ready** <img src=x onerror=alert(1)>"}, headers=HTMX
    )
    assert "<strong>Ready</strong>" in answer.content.decode()
    assert "<img" not in answer.content.decode()
    assert Comment.objects.get().author_name
    assert console.post(f"/tasks/{task.key}/comment/", {"body": "  "}, headers=HTMX).status_code == 422


def test_dependencies_are_made_and_undone_but_never_in_a_circle(console: Client) -> None:
    a, b, c = make_task(), make_task(), make_task()
    assert (
        console.post(f"/tasks/{a.key}/link/", {"depends_on": b.key.lower()}, headers=HTMX).status_code == 200
    )
    assert console.post(f"/tasks/{b.key}/link/", {"depends_on": c.key}, headers=HTMX).status_code == 200
    for task, other in ((c, a), (a, a)):
        refused = console.post(f"/tasks/{task.key}/link/", {"depends_on": other.key}, headers=HTMX)
        assert refused.status_code == 422
    assert console.post(f"/tasks/{a.key}/link/", {"depends_on": b.key}, headers=HTMX).status_code == 409
    assert console.post(f"/tasks/{a.key}/link/", {"depends_on": "NOPE-1"}, headers=HTMX).status_code == 404
    assert console.post(f"/tasks/{a.key}/unlink/", {"depends_on": b.key}, headers=HTMX).status_code == 200
    assert TaskDependency.objects.count() == 1


def test_archiving_and_restoring(console: Client) -> None:
    task = make_task()
    assert (
        "This task is archived" in console.post(f"/tasks/{task.key}/archive/", headers=HTMX).content.decode()
    )
    assert (
        "This task is archived"
        not in console.post(f"/tasks/{task.key}/restore/", headers=HTMX).content.decode()
    )


def test_who_may_not_change_is_offered_nothing_to_change(
    login_as: Callable[[UserActor], Client], member: UserActor, guest: UserActor
) -> None:
    task = make_task()
    page = login_as(member).get(f"/tasks/{task.key}/").content.decode()
    assert "/archive/" not in page
    assert "/comment/" in page
    assert login_as(member).post(f"/tasks/{task.key}/archive/").status_code == 403
    assert login_as(guest).get(f"/tasks/{task.key}/").status_code == 404
    assert login_as(guest).get("/tasks/new/").status_code == 404


def test_what_happened_is_told(console: Client) -> None:
    task = make_task(priority=1)
    console.post(f"/tasks/{task.key}/set/", {"priority": "4"}, headers=HTMX)
    assert "priority: Low → Urgent" in console.get(f"/tasks/{task.key}/").content.decode()


def test_projects_are_listed_made_and_changed(
    console: Client, login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    made = console.post("/tasks/projects/new/", {"name": "Winter works", "status": "active"})
    assert made.headers["Location"] == "/tasks/projects/"
    page = console.get("/tasks/projects/").content.decode()
    assert "WW" in page
    project_id = page.split('id="project-')[1][:36]
    make_task(project_id=project_id, status="done")
    make_task(project_id=project_id)
    assert "1 / 2" in console.get("/tasks/projects/").content.decode()
    taken = console.post("/tasks/projects/new/", {"name": "winter WORKS", "status": "active"})
    assert taken.status_code == 422
    form = {"name": "Winter", "key": "WIN", "status": "paused"}
    assert console.post(f"/tasks/projects/{project_id}/edit/", form).status_code == 302
    assert "WIN" in console.get("/tasks/projects/").content.decode()
    assert login_as(member).get("/tasks/projects/new/").status_code == 403
    assert login_as(member).get("/tasks/projects/").status_code == 200
