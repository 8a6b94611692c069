"""`/api/v1/projects/{id}/milestones/` and `/api/v1/milestones/`: shapes in and out, and refusals."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tasks.approvals.services import request_approval
from tasks.models import Milestone, Project, Task
from tasks.sharing import LEVELS, share
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_project, make_task
from tests.people import token_client

ONE = "/api/v1/milestones/"
NOBODY = "01890000-0000-7000-8000-000000000001"


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot")


@pytest.fixture
def address(project: Project) -> str:
    return f"/api/v1/projects/{project.pk}/milestones/"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "A", "due_on": "soon"}, "/due_on"),
        ({"name": "A", "is_reached": "perhaps"}, "/is_reached"),
        ({"name": "A", "reached_at": "2026-11-22T09:00:00Z"}, "/reached_at"),
        ({"name": "A", "project_id": NOBODY}, "/project_id"),
    ],
)
def test_a_bad_body_is_refused_with_its_place_named(
    api: APIClient, address: str, body: dict[str, Any], pointer: str
) -> None:
    answer = api.post(address, body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not Milestone.objects.exists()


def test_a_project_or_milestone_that_is_not_there_is_not_found(api: APIClient) -> None:
    assert api.post(f"/api/v1/projects/{NOBODY}/milestones/", {"name": "A"}).status_code == 404
    assert api.get(f"/api/v1/projects/{NOBODY}/milestones/").status_code == 404
    for answer in (
        api.get(f"{ONE}{NOBODY}/"),
        api.patch(f"{ONE}{NOBODY}/", {"name": "A"}),
        api.delete(f"{ONE}{NOBODY}/"),
    ):
        assert answer.status_code == 404


def test_a_name_that_is_taken_is_a_conflict(api: APIClient, address: str) -> None:
    assert api.post(address, {"name": "Roof closed"}).status_code == 201
    other = api.post(address, {"name": "Gate hung"}).json()
    for answer in (
        api.post(address, {"name": "roof closed"}),
        api.patch(f"{ONE}{other['id']}/", {"name": "Roof closed"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["code"] == "conflict.milestone_name"


def test_a_milestone_is_made_listed_changed_reached_and_deleted(api: APIClient, address: str) -> None:
    api.post(address, {"name": "Some day"})
    api.post(address, {"name": "Later", "due_on": "2027-05-01"})
    made = api.post(address, {"name": "Roof closed", "due_on": "2027-03-01"})
    assert made.status_code == 201
    assert (made.json()["due_on"], made.json()["reached_at"]) == ("2027-03-01", None)
    rows = api.get(address).json()["results"]
    assert [row["name"] for row in rows] == ["Roof closed", "Later", "Some day"]
    one = f"{ONE}{made.json()['id']}/"
    assert api.get(one).json() == made.json()
    reached = api.patch(one, {"is_reached": True, "due_on": None}).json()
    assert reached["reached_at"] is not None
    assert reached["due_on"] is None
    assert api.patch(one, {"is_reached": False, "name": "Roof on"}).json()["reached_at"] is None
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404


def test_pages_go_past_milestones_without_a_day(api: APIClient, address: str, project: Project) -> None:
    Milestone.objects.bulk_create(Milestone(project=project, name=f"Stage {n}") for n in range(3))
    api.post(address, {"name": "First", "due_on": "2027-03-01"})
    seen, page = [], api.get(f"{address}?page_size=2").json()
    seen += page["results"]
    seen += api.get(page["next"]).json()["results"]
    assert [row["name"] for row in seen] == ["First", "Stage 0", "Stage 1", "Stage 2"]


def test_a_repeated_request_makes_one(api: APIClient, address: str) -> None:
    key = {"Idempotency-Key": "milestone-once"}
    first = api.post(address, {"name": "Roof closed"}, headers=key)
    second = api.post(address, {"name": "Roof closed"}, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"


def test_one_an_approval_waits_for_is_not_deleted(
    api: APIClient, project: Project, manager: UserActor, member: UserActor
) -> None:
    milestone = Milestone.objects.create(project=project, name="Roof closed")
    request_approval(subject=milestone, text="Closed?", approvers=[member.user], actor=manager)
    answer = api.delete(f"{ONE}{milestone.pk}/")
    assert answer.status_code == 409
    assert answer.json()["code"] == "conflict.milestone_waits"


def test_members_read_and_clients_do_not_know_of_it(
    login_as: Callable[[UserActor], Client],
    host: str,
    member: UserActor,
    manager: UserActor,
    guest: UserActor,
    project: Project,
    address: str,
) -> None:
    one = f"{ONE}{Milestone.objects.create(project=project, name='Roof closed').pk}/"
    reader = login_as(member)
    assert reader.get(address).status_code == reader.get(one).status_code == 200
    assert reader.post(address, {"name": "A"}, content_type="application/json").status_code == 403
    assert reader.patch(one, {"name": "A"}, content_type="application/json").status_code == 403
    assert reader.delete(one).status_code == 403
    share(thing=project, holder=guest.user, codes=LEVELS["edit"], actor=manager)
    visitor = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    for answer in (visitor.get(address), visitor.get(one), visitor.delete(one)):
        assert answer.status_code == 404
    assert Milestone.objects.count() == 1


def test_a_token_that_may_only_look_changes_nothing(host: str, manager: UserActor, address: str) -> None:
    looking = token_client(host, manager, scopes=frozenset({"tasks.view"}))
    assert looking.get(address).status_code == 200
    assert looking.post(address, {"name": "A"}).status_code == 403


def test_a_milestone_says_how_far_it_is(api: APIClient, project: Project) -> None:
    milestone = Milestone.objects.create(project=project, name="Hall handed over")
    for number, status in enumerate(["done", "planned", "cancelled"]):
        made = make_task(title=status, status=status, project=project, key_prefix="HAL", number=940 + number)
        Task.objects.filter(pk=made.pk).update(milestone=milestone)
    shown = api.get(f"/api/v1/milestones/{milestone.pk}/").json()
    assert (shown["tasks_done"], shown["tasks_total"]) == (1, 2)
    rows = api.get(f"/api/v1/projects/{project.pk}/milestones/").json()["results"]
    assert [(row["tasks_done"], row["tasks_total"]) for row in rows if row["id"] == str(milestone.pk)] == [
        (1, 2)
    ]
    changed = api.patch(f"/api/v1/milestones/{milestone.pk}/", {"name": "Handed over"}, format="json").json()
    assert changed["tasks_total"] == 2
