"""`/api/v1/tasks/`: shapes in and out, filters, pages, keys against repeating, refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tasks.models import Task
from tenants.accounts.access import UserActor
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_person, make_project, make_task

TASKS = "/api/v1/tasks/"


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


def test_a_list_holds_tasks_without_their_text(api: APIClient) -> None:
    person, department, project = make_person(), make_department(), make_project()
    task = make_task(
        title="Order salt", priority=4, department=department, project=project, assignees=[person]
    )
    (row,) = api.get(TASKS).json()["results"]
    assert "description" not in row
    assert row["key"] == task.key
    assert row["priority"] == "urgent"
    assert row["department"] == {"id": str(department.pk), "name": department.name}
    assert row["project"] == {"id": str(project.pk), "name": project.name, "key": project.key}
    assert row["assignees"] == [{"id": str(person.pk), "name": person.name}]


def test_the_same_filters_as_the_consoles(api: APIClient) -> None:
    make_task(title="a", status="blocked", tags=["ice"])
    make_task(title="b", status="planned", tags=["ice"])
    make_task(title="c", status="done")
    assert titles(api.get(TASKS, {"status": ["blocked", "planned"], "sort": "title"})) == ["a", "b"]
    assert titles(api.get(TASKS, {"tag": "ice", "status": "blocked"})) == ["a"]
    assert titles(api.get(TASKS, {"q": "C"})) == ["c"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"status": "x"}, "status"),
        ({"colour": "red"}, "colour"),
        ({"cursor": "x"}, "cursor"),
        ({"page_size": "0"}, "page_size"),
        ({"sort": "colour"}, "sort"),
    ],
)
def test_a_bad_parameter_is_named_in_a_problem(api: APIClient, query: dict[str, str], parameter: str) -> None:
    answer = api.get(TASKS, query)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_pages_follow_one_another(api: APIClient) -> None:
    for n in range(5):
        make_task(title=f"Task {n}")
    first = api.get(TASKS, {"sort": "title", "page_size": "2"})
    assert titles(first) == ["Task 0", "Task 1"]
    second = api.get(first.json()["next"])
    assert titles(second) == ["Task 2", "Task 3"]
    assert titles(api.get(second.json()["previous"])) == ["Task 0", "Task 1"]
    assert api.get(api.get(second.json()["next"]).json()["previous"]).json()["next"] is not None


def test_a_list_costs_the_same_whatever_its_size(tenant: TenantRef, api: APIClient) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connections[tenant.cell]) as sent:
            assert api.get(TASKS).status_code == 200
        return len(sent)

    make_task(assignees=[make_person()])
    statements()  # the first use of a token is noted
    few = statements()
    for _ in range(20):
        make_task(
            department=make_department(), project=make_project(), assignees=[make_person(), make_person()]
        )
    assert statements() == few <= 12


def test_a_task_is_made_shown_changed_and_completed(api: APIClient) -> None:
    person, project = make_person(), make_project(key="OPS")
    made = api.post(
        TASKS,
        {
            "title": "Order salt",
            "description": "  two blanks before\n",
            "priority": "high",
            "project_id": str(project.pk),
            "assignee_ids": [str(person.pk)],
            "estimate_hours": "1.25",
            "due_on": "2026-12-02",
        },
    )
    assert made.status_code == 201
    assert (made.json()["key"], made.json()["description"]) == ("OPS-1", "  two blanks before\n")
    url = f"{TASKS}OPS-1/"
    assert api.get(f"{TASKS}ops-1/").json() == api.get(f"{TASKS}{made.json()['id']}/").json() == made.json()
    changed = api.patch(url, {"due_on": None, "tags": ["ice"]})
    assert (changed.json()["due_on"], changed.json()["tags"], changed.json()["title"]) == (
        None,
        ["ice"],
        "Order salt",
    )
    assert api.post(f"{url}complete/").json()["completed_at"]
    again = api.post(f"{url}complete/")
    assert (again.status_code, again.json()["code"]) == (409, "tasks.already_done")
    assert api.post(f"{url}archive/").json()["archived_at"]
    assert api.post(f"{url}restore/").json()["archived_at"] is None


def test_a_repeated_post_with_its_key_makes_one_task(api: APIClient) -> None:
    body = {"title": "Order salt"}
    first = api.post(TASKS, body, headers={"Idempotency-Key": "abc"})
    second = api.post(TASKS, body, headers={"Idempotency-Key": "abc"})
    assert first.json() == second.json()
    assert second.headers["Idempotency-Replayed"] == "true"
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": "A", "colour": "red"}, "/colour"),
        ({"title": "A", "key": "X-1"}, "/key"),
        ({"title": "A", "status": "finished"}, "/status"),
        ({"title": "A", "priority": 4}, "/priority"),
        ({"title": "A", "project_id": "01890000-0000-7000-8000-000000000001"}, "/project_id"),
        ({"title": "A", "assignee_ids": ["x"]}, "/assignee_ids/0"),
        ({"title": "A", "estimate_hours": "-1"}, "/estimate_hours"),
        ({"title": "x" * 501}, "/title"),
        ({"title": "A", "start_on": "2026-02-02", "due_on": "2026-02-01"}, "/due_on"),
    ],
)
def test_a_bad_body_is_refused_with_its_place_named(
    api: APIClient, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post(TASKS, body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert Task.objects.count() == 0


def test_malformed_json_and_what_is_not_there(api: APIClient) -> None:
    assert api.post(TASKS, "{", content_type="application/json").status_code == 400
    for path in ("NOPE-1/", "NOPE-1/complete/", "01890000-0000-7000-8000-000000000001/"):
        method = api.post if path.endswith("complete/") else api.get
        assert method(TASKS + path).status_code == 404


def test_a_session_may_use_it_a_guest_and_a_stranger_may_not(
    login_as: Callable[[UserActor], Client], member: UserActor, guest: UserActor, stranger: Client
) -> None:
    task = make_task()
    assert login_as(member).get(TASKS).status_code == 200
    assert login_as(guest).get(TASKS).status_code == 404
    assert login_as(guest).get(f"{TASKS}{task.key}/").status_code == 404
    assert login_as(guest).post(TASKS, {"title": "A"}, content_type="application/json").status_code == 404
    assert login_as(member).post(f"{TASKS}{task.key}/archive/").status_code == 403
    assert stranger.get(TASKS).status_code == 401
