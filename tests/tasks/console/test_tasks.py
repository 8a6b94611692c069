"""The list's page: what it shows, what its filters keep in the address, what its bulk bar does and undoes."""

import json
from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks.console.tasks import PAGE_SIZE
from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_person, make_project, make_task

LIST = "/tasks/"
HTMX = {"HX-Request": "true"}


def text(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined, no-any-return]


def toast(response: object) -> dict[str, str]:
    return json.loads(response.headers["HX-Trigger"])["toast"]  # type: ignore[attr-defined, no-any-return]


def test_the_list_shows_the_companys_tasks(console: Client) -> None:
    task = make_task(title="Order <salt> & grit", department=make_department(name="Roads"))
    page = console.get(LIST)
    assert page.status_code == 200
    assert "Order &lt;salt&gt; &amp; grit" in text(page)
    assert "Roads" in text(page)
    assert reverse("tasks:detail", args=[task.key]) in text(page)


def test_an_empty_list_says_what_to_do_next(console: Client) -> None:
    assert "No tasks yet" in text(console.get(LIST))
    assert "No task fits these filters" in text(console.get(LIST, {"status": "done"}))


def test_filters_narrow_the_list_and_stand_as_chips_that_can_be_cleared(console: Client) -> None:
    roads = make_department(name="Roads")
    make_task(title="Grit the bridge", department=roads, status="blocked")
    make_task(title="Paint the fence")
    page = text(console.get(LIST, {"department": str(roads.pk), "status": "blocked", "sort": "due"}))
    assert "Grit the bridge" in page
    assert "Paint the fence" not in page
    assert 'href="/tasks/?status=blocked&amp;sort=due"' in page
    assert f'href="/tasks/?department={roads.pk}&amp;sort=due"' in page


def test_a_bad_filter_is_told_not_guessed(console: Client) -> None:
    assert console.get(LIST, {"status": "finished"}).status_code == 422
    assert console.get(LIST, {"cursor": "nonsense"}).status_code == 422


def test_htmx_gets_only_the_part_it_asked_for(console: Client) -> None:
    make_task(title="Grit the bridge")
    region = text(console.get(LIST, headers=HTMX))
    assert "Grit the bridge" in region
    assert 'id="task-search"' in region
    assert "<html" not in region
    rows = text(console.get(LIST, {"part": "rows"}, headers=HTMX))
    assert "Grit the bridge" in rows
    assert 'id="task-search"' not in rows
    assert "<html" in text(console.get(LIST, {"part": "rows"}))


def test_pages_follow_one_another(console: Client) -> None:
    for n in range(PAGE_SIZE + 5):
        make_task(title=f"Task {n:03}")
    first = console.get(LIST, {"sort": "title"})
    assert first.context["pages"].previous_url == ""
    second = console.get(first.context["pages"].next_url)
    assert [card.task.title for card in second.context["cards"]] == [f"Task {n:03}" for n in range(50, 55)]
    assert f"{PAGE_SIZE + 5} tasks" in text(second)
    back = console.get(second.context["pages"].previous_url)
    assert [card.task for card in back.context["cards"]] == [card.task for card in first.context["cards"]]


@pytest.mark.parametrize("path", ["/tasks/", "/tasks/board/"])
def test_a_page_costs_thirteen_queries_at_most(tenant: TenantRef, console: Client, path: str) -> None:
    person, department, project = make_person(), make_department(), make_project()
    for _ in range(20):
        make_task(department=make_department(), project=make_project(), assignees=[person, make_person()])
    query = {"department": str(department.pk), "project": str(project.pk), "assignee": str(person.pk)}
    console.get(path)
    for narrowed in ({}, query):
        with CaptureQueriesContext(connections[tenant.cell]) as sent:
            assert console.get(path, narrowed).status_code == 200
        asked = [q["sql"] for q in sent if q["sql"].startswith(("SELECT", "(SELECT", "UPDATE", "INSERT"))]
        assert len(asked) <= 13, "\n".join(asked)


def test_many_tasks_are_changed_at_once_and_put_back(console: Client) -> None:
    tasks = [make_task(status="planned"), make_task(status="in_review"), make_task()]
    ids = [str(task.pk) for task in tasks[:2]]
    done = console.post(
        "/tasks/bulk/", {"ids": ids, "action": "status:blocked", "next": "/tasks/?sort=due"}, headers=HTMX
    )
    assert done.status_code == 200
    assert "2 tasks changed" in toast(done)["text"]
    assert Task.objects.filter(status="blocked").count() == 2
    assert console.post(toast(done)["undo"], headers=HTMX).status_code == 204
    assert sorted(Task.objects.values_list("status", flat=True)) == ["in_review", "planned", "planned"]
    assert console.post(toast(done)["undo"], headers=HTMX).status_code == 409


def test_owners_priority_and_archive_can_be_set_and_put_back(console: Client) -> None:
    ann, ben = make_person(), make_person()
    task, other = make_task(assignees=[ann], priority=1), make_task()
    ids = [str(task.pk), str(other.pk)]
    cases: list[tuple[str, Callable[[], bool]]] = [
        (f"assign:{ben.pk}", lambda: set(task.assignees.all()) == set(other.assignees.all()) == {ben}),
        ("assign:nobody", lambda: not task.assignees.exists()),
        ("priority:urgent", lambda: Task.objects.filter(priority=4).count() == 2),
        ("archive", lambda: not Task.objects.live().exists()),
    ]
    for action, check in cases:
        done = console.post("/tasks/bulk/", {"ids": ids, "action": action}, headers=HTMX)
        assert done.status_code == 200, action
        assert check(), action
        console.post(toast(done)["undo"], headers=HTMX)
        task.refresh_from_db()
        assert (set(task.assignees.all()), task.priority, task.is_archived) == ({ann}, 1, False)


def test_without_htmx_the_bulk_form_leads_back_to_its_page(console: Client) -> None:
    task = make_task()
    form = {"ids": [str(task.pk)], "action": "status:done", "next": "/tasks/?status=planned"}
    answer = console.post("/tasks/bulk/", form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/tasks/?status=planned")
    assert "1 task changed" in text(console.get("/tasks/"))
    away = console.post("/tasks/bulk/", form | {"next": "https://elsewhere.example/"})
    assert away.headers["Location"] == LIST


@pytest.mark.parametrize("action", ["", "status", "status:finished", "priority:9", "assign:x", "explode"])
def test_an_unknown_bulk_action_is_refused(console: Client, action: str) -> None:
    task = make_task()
    answer = console.post("/tasks/bulk/", {"ids": [str(task.pk)], "action": action}, headers=HTMX)
    assert answer.status_code == 422
    assert console.post("/tasks/bulk/", {"action": "status:done"}, headers=HTMX).status_code == 422


def test_another_persons_undo_is_nobodys(
    console: Client, login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    task = make_task()
    form = {"ids": [str(task.pk)], "action": "status:blocked"}
    done = console.post("/tasks/bulk/", form, headers=HTMX)
    assert login_as(member).post(toast(done)["undo"], headers=HTMX).status_code == 409


def test_a_guest_sees_no_list(login_as: Callable[[UserActor], Client], guest: UserActor) -> None:
    assert login_as(guest).get(LIST).status_code == 404


def test_a_member_is_offered_no_archive(
    login_as: Callable[[UserActor], Client], member: UserActor, console: Client
) -> None:
    make_task()
    assert 'value="archive"' in text(console.get(LIST))
    assert 'value="archive"' not in text(login_as(member).get(LIST))


def test_the_palette_finds_tasks(console: Client) -> None:
    task = make_task(title="Grit the bridge")
    found = text(console.get("/tasks/search/", {"q": "bridge"}, headers=HTMX))
    assert f'id="found-{task.pk}"' in found
    assert console.get("/tasks/search/", {"q": "bridge"}).headers["Location"] == "/tasks/?q=bridge"


@pytest.mark.parametrize(
    "facet",
    [
        "status",
        "priority",
        "assignee",
        "department",
        "project",
        "due",
        "completed",
        "tag",
        "source",
        "archived",
    ],
)
def test_each_filter_has_a_form_with_and_without_htmx(console: Client, facet: str) -> None:
    make_task(assignees=[make_person()], department=make_department(), project=make_project(), tags=["ice"])
    query = {"status": "planned", "due_before": "2030-01-01", "view": "board"}
    fragment = text(console.get(f"/tasks/filters/{facet}/", query, headers=HTMX))
    assert 'action="/tasks/board/"' in fragment
    assert "<html" not in fragment
    assert 'name="status" value="planned"' in fragment
    assert "<html" in text(console.get(f"/tasks/filters/{facet}/", query))
    assert console.get("/tasks/filters/colour/").status_code == 404


def test_people_can_be_found_for_the_bulk_bar(console: Client) -> None:
    make_person(name="Ann Demo")
    make_person(name="Ben Demo")
    assert "Ben Demo" not in text(console.get("/tasks/people/", {"q": "ann"}, headers=HTMX))
