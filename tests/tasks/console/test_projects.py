"""Projects by hand: whoever manages those of one department makes and changes them there, and nowhere else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tasks.models import Project, Task
from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import Department, RoleBinding
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_project, make_task
from tests.people import person


@pytest.fixture
def north(tenant: TenantRef) -> Department:
    return make_department(name="North hall")


@pytest.fixture
def south(tenant: TenantRef) -> Department:
    return make_department(name="South hall")


def managing(scope_type: str, scope_id: Any, tenant: TenantRef) -> UserActor:
    """Somebody who manages one part of the company and holds nothing else."""
    actor = person(tenant, Role.MEMBER, "Petra Part-Example")
    RoleBinding.objects.filter(user=actor.user).update(
        role=Role.MANAGER, scope_type=scope_type, scope_id=scope_id
    )
    return actor_for(actor.user)


@pytest.fixture
def northern(north: Department, tenant: TenantRef, login_as: Callable[[UserActor], Client]) -> Client:
    return login_as(managing("department", north.pk, tenant))


def form(department: Department | None, **values: Any) -> dict[str, Any]:
    return {
        "name": "Roof",
        "key": "ROOF",
        "status": "active",
        "department_id": str(department.pk) if department else "",
    } | values


def in_api(client: Client, method: str, path: str, body: Any) -> Any:
    return getattr(client, method)(f"/api/v1/projects/{path}", data=body, content_type="application/json")


# --- what is refused


def test_a_departments_manager_makes_no_project_elsewhere(
    northern: Client, north: Department, south: Department
) -> None:
    assert northern.post("/tasks/projects/new/", form(south)).status_code == 422
    assert northern.post("/tasks/projects/new/", form(None)).status_code == 422
    for department in (str(south.pk), None):
        answer = in_api(northern, "post", "", {"name": "Roof", "department_id": department})
        assert answer.status_code == 403
        assert answer.json()["access"]["permission"] == "tasks.manage_projects"
    assert not Project.objects.exists()


def test_nor_puts_one_there(northern: Client, north: Department, south: Department) -> None:
    project = make_project(department=north)
    assert northern.post(f"/tasks/projects/{project.pk}/edit/", form(south)).status_code == 422
    assert in_api(northern, "patch", f"{project.pk}/", {"department_id": str(south.pk)}).status_code == 403
    project.refresh_from_db()
    assert project.department_id == north.pk


def test_nor_changes_one_that_is_there(northern: Client, south: Department) -> None:
    project = make_project(department=south, name="Cellar")
    assert northern.get(f"/tasks/projects/{project.pk}/edit/").status_code == 404
    assert northern.post(f"/tasks/projects/{project.pk}/edit/", form(south)).status_code == 404
    assert in_api(northern, "patch", f"{project.pk}/", {"name": "Roof"}).status_code == 404
    project.refresh_from_db()
    assert project.name == "Cellar"


def test_a_projects_manager_makes_no_project(
    tenant: TenantRef, login_as: Callable[[UserActor], Client]
) -> None:
    client = login_as(managing("project", make_project().pk, tenant))
    assert client.get("/tasks/projects/new/").status_code == 403
    assert b"/tasks/projects/new/" not in client.get("/tasks/projects/").content
    assert in_api(client, "post", "", {"name": "Roof"}).status_code == 403


def test_a_member_changes_no_project(member: UserActor, login_as: Callable[[UserActor], Client]) -> None:
    project = make_project()
    assert login_as(member).get(f"/tasks/projects/{project.pk}/edit/").status_code == 403
    assert login_as(member).get("/tasks/projects/new/").status_code == 403


# --- what works


def test_in_their_department_they_make_and_change_projects(
    northern: Client, north: Department, south: Department
) -> None:
    page = northern.get("/tasks/projects/new/").content.decode()
    assert "North hall" in page
    assert "South hall" not in page
    assert northern.post("/tasks/projects/new/", form(north)).status_code == 302
    project = Project.objects.get(department=north)
    assert northern.get(f"/tasks/projects/{project.pk}/edit/").status_code == 200
    changed = northern.post(f"/tasks/projects/{project.pk}/edit/", form(north, name="New roof"))
    assert changed.status_code == 302
    project.refresh_from_db()
    assert project.name == "New roof"


def test_the_list_offers_to_change_only_what_one_may(northern: Client, north: Department) -> None:
    project = make_project(department=north)
    page = northern.get("/tasks/projects/").content.decode()
    assert f"/tasks/projects/{project.pk}/edit/" in page
    assert "/tasks/projects/new/" in page


def test_a_projects_manager_changes_it_also_when_it_is_in_no_department(
    tenant: TenantRef, login_as: Callable[[UserActor], Client]
) -> None:
    project = make_project(key="ROOF")
    client = login_as(managing("project", project.pk, tenant))
    answer = client.post(f"/tasks/projects/{project.pk}/edit/", form(None, name="New roof"))
    assert answer.status_code == 302
    project.refresh_from_db()
    assert project.name == "New roof"


def test_they_undo_what_they_have_just_done(northern: Client, north: Department) -> None:

    task = make_task(department=north, status=Task.Status.PLANNED)
    answer = northern.post(
        f"/tasks/{task.key}/set/", {"status": "in_progress"}, headers={"HX-Request": "true"}
    )
    assert answer.status_code < 300
    task.refresh_from_db()
    assert task.status == Task.Status.IN_PROGRESS
    address = next(part for part in str(answer.headers).split('"') if "/undo/" in part)
    assert northern.post(address.replace("\\", "")).status_code == 302
    task.refresh_from_db()
    assert task.status == Task.Status.PLANNED
