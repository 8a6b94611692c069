"""`/api/v1/approvals/`: asking, answering and withdrawing by program, once, and what a client gets of it."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tasks.models import ApprovalRequest, Task
from tasks.sharing import share
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_project, make_task
from tests.people import token_client

APPROVALS = "/api/v1/approvals/"


@pytest.fixture
def task(tenant: TenantRef) -> Task:
    return make_task(title="Gate", project=make_project(name="Depot"))


@pytest.fixture
def asker(host: str, manager: UserActor) -> APIClient:
    return token_client(host, manager)


def body(task: Task, who: UserActor, **more: Any) -> dict[str, Any]:
    return {"task": task.key, "text": "Right?", "approvers": [{"user_id": str(who.user_id)}]} | more


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": ""}, "text"),
        ({"rule": "most"}, "rule"),
        ({"approvers": []}, "approvers"),
        ({"due_on": "2020-01-01"}, "due_on"),
        ({"task": None}, "task"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_body_is_refused_with_its_field(
    asker: APIClient, task: Task, member: UserActor, wrong: dict[str, Any], field: str
) -> None:
    sent = {name: value for name, value in (body(task, member) | wrong).items() if value is not None}
    answer = asker.post(APPROVALS, sent)
    assert answer.status_code == 422
    assert field in str(answer.json())
    assert not ApprovalRequest.objects.exists()


def test_two_subjects_or_an_unknown_one_are_refused(asker: APIClient, task: Task, member: UserActor) -> None:
    assert asker.post(APPROVALS, body(task, member, project_id=str(task.project_id))).status_code == 422
    assert asker.post(APPROVALS, body(task, member) | {"task": "OPS-404"}).status_code == 404
    unknown = {**body(task, member), "milestone_id": str(uuid4())}
    unknown.pop("task")
    assert asker.post(APPROVALS, unknown).status_code == 404
    assert asker.get(f"{APPROVALS}?waiting_for=you").status_code == 422
    assert asker.get(f"{APPROVALS}?state=lost").status_code == 422


def test_asking_twice_with_one_key_asks_once(asker: APIClient, task: Task, member: UserActor) -> None:
    first, second = (
        asker.post(APPROVALS, body(task, member), headers={"Idempotency-Key": "ask-1"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert ApprovalRequest.objects.count() == 1
    assert first.json()["subject"] == f"{task.key} Gate"


def test_an_approver_answers_once(host: str, asker: APIClient, task: Task, member: UserActor) -> None:
    made = asker.post(APPROVALS, body(task, member)).json()
    mine = token_client(host, member)
    listed = mine.get(f"{APPROVALS}?waiting_for=me").json()["results"]
    assert [each["id"] for each in listed] == [made["id"]]
    address = f"{APPROVALS}{made['id']}/answer/"
    assert mine.post(address, {"answer": "refused"}).status_code == 422
    done = mine.post(address, {"answer": "approved", "note": "Fine."})
    assert done.json()["state"] == "approved"
    assert done.json()["decisions"][0]["note"] == "Fine."
    assert mine.post(address, {"answer": "approved"}).status_code == 200
    assert mine.post(address, {"answer": "refused", "note": "No"}).status_code == 409
    assert asker.post(f"{APPROVALS}{made['id']}/withdraw/").status_code == 409
    assert mine.get(f"{APPROVALS}?waiting_for=me").json()["results"] == []


def test_who_asked_withdraws(asker: APIClient, task: Task, member: UserActor) -> None:
    made = asker.post(APPROVALS, body(task, member)).json()
    for _ in range(2):
        assert asker.post(f"{APPROVALS}{made['id']}/withdraw/").json()["state"] == "withdrawn"
    assert asker.get(f"{APPROVALS}?state=withdrawn").json()["results"][0]["id"] == made["id"]


def test_a_client_gets_those_alone_that_ask_them(
    asker: APIClient,
    login_as: Callable[[UserActor], Client],
    task: Task,
    member: UserActor,
    manager: UserActor,
    guest: UserActor,
) -> None:
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    inside = asker.post(APPROVALS, body(task, member)).json()
    theirs = asker.post(APPROVALS, body(task, guest)).json()
    client = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    assert [each["id"] for each in client.get(APPROVALS).json()["results"]] == [theirs["id"]]
    assert client.get(f"{APPROVALS}{inside['id']}/").status_code == 404
    sent = client.post(
        f"{APPROVALS}{theirs['id']}/answer/", {"answer": "approved"}, content_type="application/json"
    )
    assert sent.json()["state"] == "approved"
    asked = client.post(APPROVALS, body(task, member), content_type="application/json")
    assert asked.status_code == 403
