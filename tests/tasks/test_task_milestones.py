"""A task on a milestone of its project: by form, property, API and import; written down, and undone."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tasks.drafts import TaskChanges, TaskDraft
from tasks.events import TaskUpdated
from tasks.models import Milestone, Project, Task, TaskActivity
from tasks.selectors import milestones_with_progress
from tasks.services import create_task, edit_tasks, update_task, upsert_tasks
from tasks.sharing import LEVELS, share
from tenants.accounts.access import SYSTEM, Role, ScopeType, UserActor
from tenants.accounts.models import RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import InvalidInput
from tenants.foundation.ids import uuid7
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_project, make_task
from tests.fakes.events import PublishedEvents
from tests.people import person


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot", key="DEP")


@pytest.fixture
def roof(project: Project) -> Milestone:
    return Milestone.objects.create(project=project, name="Roof closed")


@pytest.fixture
def elsewhere(tenant: TenantRef) -> Milestone:
    return Milestone.objects.create(project=make_project(name="Bridge"), name="Bridge open")


@pytest.fixture
def task(project: Project) -> Task:
    return make_task(title="Order the gate", project=project, key_prefix="DEP", number=914)


def milestone_of(task: Task) -> UUID | None:
    return Task.objects.get(pk=task.pk).milestone_id


# --- what is refused


@pytest.mark.parametrize("which", ["unknown", "another project's", "without a project"])
def test_a_task_is_put_on_no_milestone_but_its_projects(
    task: Task, elsewhere: Milestone, manager: UserActor, which: str
) -> None:
    if which == "without a project":
        task = make_task(title="Alone")
    wanted = uuid7() if which == "unknown" else elsewhere.pk
    with pytest.raises(InvalidInput) as refusal:
        update_task(task=task, changes=TaskChanges(milestone_id=wanted), actor=manager)
    # The same words for each: nobody finds out which milestones there are.
    assert refusal.value.fields == {"milestone_id": ["The task's project has no such milestone."]}
    assert milestone_of(task) is None


def test_of_many_tasks_none_is_changed_when_one_is_of_another_project(
    task: Task, roof: Milestone, manager: UserActor
) -> None:
    other = make_task(title="Elsewhere", project=make_project(name="Bridge"))
    with pytest.raises(InvalidInput):
        edit_tasks(ids=[task.pk, other.pk], changes=TaskChanges(milestone_id=roof.pk), actor=manager)
    assert milestone_of(task) is None


def test_a_new_task_is_put_on_no_other_projects_milestone(
    project: Project, elsewhere: Milestone, manager: UserActor
) -> None:
    changes = TaskChanges(title="New", project_id=project.pk, milestone_id=elsewhere.pk)
    with pytest.raises(InvalidInput):
        create_task(changes=changes, actor=manager)


# --- written, and written down


def test_it_is_put_on_one_and_taken_off_again(
    task: Task, roof: Milestone, manager: UserActor, published_events: PublishedEvents
) -> None:
    update_task(task=task, changes=TaskChanges(milestone_id=roof.pk), actor=manager)
    assert milestone_of(task) == roof.pk
    assert TaskActivity.objects.latest("created_at", "pk").changes == {"milestone": [None, "Roof closed"]}
    update_task(task=task, changes=TaskChanges(milestone_id=roof.pk), actor=manager)
    update_task(task=task, changes=TaskChanges(milestone_id=None), actor=manager)
    assert milestone_of(task) is None
    assert [each.changed for each in published_events.of(TaskUpdated)] == [("milestone",), ("milestone",)]


def test_with_another_project_it_stays_behind(task: Task, roof: Milestone, manager: UserActor) -> None:
    Task.objects.filter(pk=task.pk).update(milestone=roof)
    bridge = make_project(name="Bridge")
    update_task(task=task, changes=TaskChanges(project_id=bridge.pk), actor=manager)
    assert milestone_of(task) is None
    changes = TaskActivity.objects.latest("created_at", "pk").changes
    assert changes == {"project": ["Depot", "Bridge"], "milestone": ["Roof closed", None]}


def test_project_and_milestone_change_together(
    task: Task, roof: Milestone, elsewhere: Milestone, manager: UserActor
) -> None:
    Task.objects.filter(pk=task.pk).update(milestone=roof)
    changes = TaskChanges(project_id=elsewhere.project_id, milestone_id=elsewhere.pk)
    update_task(task=task, changes=changes, actor=manager)
    assert milestone_of(task) == elsewhere.pk


def test_an_import_that_moves_a_task_leaves_the_milestone_behind_and_else_keeps_it(
    task: Task, roof: Milestone
) -> None:
    Task.objects.filter(pk=task.pk).update(milestone=roof)
    upsert_tasks(drafts=[TaskDraft(id=task.pk, title="Renamed")], actor=SYSTEM)
    assert milestone_of(task) == roof.pk
    upsert_tasks(drafts=[TaskDraft(id=task.pk, project_name="Bridge")], actor=SYSTEM)
    assert milestone_of(task) is None


# --- pages


@pytest.fixture
def managing(login_as: Callable[[UserActor], Client], manager: UserActor) -> Client:
    return login_as(manager)


def test_the_property_is_set_on_the_tasks_page_and_undone(
    managing: Client, task: Task, roof: Milestone, elsewhere: Milestone
) -> None:
    page = managing.get(f"/tasks/{task.key}/").content.decode()
    assert "Roof closed" in page
    assert "Bridge open" not in page
    done = managing.post(
        f"/tasks/{task.key}/set/", {"milestone": str(roof.pk)}, headers={"HX-Request": "true"}
    )
    assert (done.status_code, milestone_of(task)) == (200, roof.pk)
    undo = json.loads(done.headers["HX-Trigger"])["toast"]["undo"]
    assert managing.post(undo, headers={"HX-Request": "true"}).status_code == 204
    assert milestone_of(task) is None


def test_a_value_that_is_no_milestone_changes_nothing(managing: Client, task: Task, roof: Milestone) -> None:
    assert managing.post(f"/tasks/{task.key}/set/", {"milestone": "roof"}).status_code == 422
    assert milestone_of(task) is None


def test_the_form_keeps_and_changes_it(managing: Client, task: Task, roof: Milestone) -> None:
    Task.objects.filter(pk=task.pk).update(milestone=roof)
    form = {
        "title": task.title, "status": task.status, "priority": 0, "project_id": str(task.project_id),
        "milestone_id": str(roof.pk),
    }  # fmt: skip
    assert managing.post(f"/tasks/{task.key}/edit/", form).status_code == 302
    assert milestone_of(task) == roof.pk
    other = make_project(name="Bridge")
    assert managing.post(f"/tasks/{task.key}/edit/", form | {"project_id": str(other.pk)}).status_code == 302
    assert milestone_of(task) is None


def test_a_new_task_is_made_on_a_milestone(managing: Client, project: Project, roof: Milestone) -> None:
    address = f"/tasks/new/?project_id={project.pk}&milestone_id={roof.pk}"
    assert f'value="{roof.pk}" selected' in managing.get(address).content.decode()
    form = {"title": "Tiles", "status": "planned", "priority": 0, "project_id": str(project.pk)}
    managing.post(address, form | {"milestone_id": str(roof.pk)})
    assert Task.objects.get(title="Tiles").milestone_id == roof.pk


def test_who_sees_one_task_alone_is_offered_no_other_milestones_of_its_project(
    login_as: Callable[[UserActor], Client], task: Task, roof: Milestone, guest: UserActor, manager: UserActor
) -> None:
    share(thing=task, holder=guest.user, codes=LEVELS["edit"], actor=manager)
    actor = actor_for(User.objects.get(pk=guest.user_id))
    page = login_as(actor).get(f"/portal/tasks/{task.key}/").content.decode()
    assert "Roof closed" not in page


# --- API


def test_the_api_sets_shows_and_refuses_it(
    api: APIClient, task: Task, roof: Milestone, elsewhere: Milestone
) -> None:
    address = f"/api/v1/tasks/{task.key}/"
    done = api.patch(address, {"milestone_id": str(roof.pk)}, format="json")
    assert (done.status_code, done.json()["milestone"]) == (200, {"id": str(roof.pk), "name": "Roof closed"})
    rows = api.get("/api/v1/tasks/").json()["results"]
    assert [row["milestone"]["name"] for row in rows if row["milestone"]] == ["Roof closed"]
    refused = api.patch(address, {"milestone_id": str(elsewhere.pk)}, format="json")
    assert (refused.status_code, milestone_of(task)) == (422, roof.pk)
    assert api.patch(address, {"milestone_id": None}, format="json").json()["milestone"] is None


# --- how far it is


def test_a_milestones_progress_leaves_out_what_was_cancelled_or_put_away(
    managing: Client, manager: UserActor, project: Project, roof: Milestone
) -> None:
    for number, status in enumerate(["done", "done", "planned", "cancelled"]):
        made = make_task(title=status, status=status, project=project, key_prefix="DEP", number=930 + number)
        Task.objects.filter(pk=made.pk).update(milestone=roof)
    Task.objects.filter(number=931).update(archived_at=timezone.now())
    (shown,) = milestones_with_progress(project, actor=manager)
    assert (shown.done, shown.total) == (1, 2)  # type: ignore[attr-defined]
    assert "1&nbsp;/&nbsp;2" in managing.get(f"/tasks/projects/{project.pk}/").content.decode()


def test_who_has_one_department_learns_no_count_of_the_others_tasks(
    login_as: Callable[[UserActor], Client], tenant: TenantRef, project: Project, roof: Milestone
) -> None:
    """On the project's page and in the API, alone and in the list."""
    north, south = make_department(name="North hall"), make_department(name="South hall")
    Project.objects.filter(pk=project.pk).update(department=north)
    for number, (department, status) in enumerate([(north, "planned"), (south, "done"), (south, "planned")]):
        made = make_task(
            title=status, status=status, project=project, department=department, number=950 + number
        )
        Task.objects.filter(pk=made.pk).update(milestone=roof)
    guest = person(tenant, Role.GUEST, "Nan North-Example").user
    RoleBinding.objects.create(
        user=guest, role=Role.MEMBER, scope_type=ScopeType.DEPARTMENT, scope_id=north.pk
    )
    northern = login_as(actor_for(guest))
    page = northern.get(f"/tasks/projects/{project.pk}/").content.decode()
    assert "0&nbsp;/&nbsp;1" in page
    assert "1&nbsp;/&nbsp;3" not in page
    shown = [northern.get(f"/api/v1/milestones/{roof.pk}/").json()]
    shown += northern.get(f"/api/v1/projects/{project.pk}/milestones/").json()["results"]
    assert [(each["tasks_done"], each["tasks_total"]) for each in shown] == [(0, 1), (0, 1)]


def test_a_client_counts_all_tasks_of_a_project_that_is_shared_with_them(
    login_as: Callable[[UserActor], Client],
    project: Project,
    task: Task,
    roof: Milestone,
    guest: UserActor,
    manager: UserActor,
) -> None:
    Task.objects.filter(pk=task.pk).update(milestone=roof, department=make_department(name="North hall"))
    share(thing=project, holder=guest.user, codes=LEVELS["comment"], actor=manager)
    visitor = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    assert "0&nbsp;/&nbsp;1" in visitor.get(f"/portal/projects/{project.pk}/").content.decode()
