"""`/api/v1/projects/`: shapes in and out, and refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tasks.models import Project
from tenants.accounts.access import UserActor
from tests.factories.tasks import make_department, make_project, make_task

PROJECTS = "/api/v1/projects/"


def test_a_project_is_made_shown_listed_and_changed(api: APIClient) -> None:
    department = make_department()
    made = api.post(PROJECTS, {"name": "Winter works", "department_id": str(department.pk)})
    assert made.status_code == 201
    assert made.json()["key"] == "WW"
    assert made.json()["department"] == {"id": str(department.pk), "name": department.name}
    url = f"{PROJECTS}{made.json()['id']}/"
    changed = api.patch(url, {"name": "Winter", "status": "paused", "department_id": None})
    assert (changed.json()["name"], changed.json()["status"], changed.json()["department"]) == (
        "Winter",
        "paused",
        None,
    )
    make_project(name="Alpha")
    assert [row["name"] for row in api.get(PROJECTS).json()["results"]] == ["Alpha", "Winter"]


def test_a_new_key_is_for_new_tasks_only(api: APIClient) -> None:
    project = make_project(key="OLD")
    task = make_task(project=project, key_prefix="OLD", number=7)
    assert api.patch(f"{PROJECTS}{project.pk}/", {"key": "NEW"}).status_code == 200
    assert api.post("/api/v1/tasks/", {"title": "A", "project_id": str(project.pk)}).json()["key"] == "NEW-1"
    task.refresh_from_db()
    assert task.key == "OLD-7"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": "salt"}, "/name"),
        ({"name": "A", "key": "TASK"}, "/key"),
        ({"name": "A", "key": "lower"}, "/key"),
        ({"name": "A", "key": "SALT"}, "/key"),
        ({"name": "A", "status": "x"}, "/status"),
        ({"name": "A", "colour": "red"}, "/colour"),
        ({"name": "A", "department_id": "01890000-0000-7000-8000-000000000001"}, "/department_id"),
        ({"name": "A", "start_on": "2026-02-02", "due_on": "2026-02-01"}, "/due_on"),
    ],
)
def test_a_bad_body_is_refused_with_its_place_named(
    api: APIClient, body: dict[str, Any], pointer: str
) -> None:
    make_project(name="Salt", key="SALT")
    answer = api.post(PROJECTS, body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert Project.objects.count() == 1


def test_a_member_reads_but_does_not_write(
    login_as: Callable[[UserActor], Client], member: UserActor
) -> None:
    project = make_project()
    client = login_as(member)
    assert client.get(f"{PROJECTS}{project.pk}/").status_code == 200
    assert client.post(PROJECTS, {"name": "A"}, content_type="application/json").status_code == 403
    assert client.get(f"{PROJECTS}01890000-0000-7000-8000-000000000001/").status_code == 404
    assert client.get(f"{PROJECTS}x/").status_code == 404
