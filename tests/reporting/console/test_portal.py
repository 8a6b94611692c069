"""The client portal: what was shared with a guest, under their own eyes and in a colleague's preview."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.approvals.services import request_approval
from tasks.commenting import add_comment
from tasks.models import ApprovalRequest, Comment, Milestone, Project, Task
from tasks.services import move_task
from tasks.sharing import LEVELS, share, unshare
from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.holdings import Scope
from tenants.accounts.access.roles import ScopeType
from tenants.accounts.models import SupportAccount, User
from tenants.accounts.selectors import actor_for
from tenants.foundation.ids import uuid7
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_person, make_project, make_task
from tests.people import person

MOST_QUERIES = 13


def again(actor: UserActor) -> UserActor:
    return actor_for(User.objects.get(pk=actor.user_id))


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    project = make_project(name="New depot", key="DEP", description="All about the **depot**.")
    Milestone.objects.create(
        project=project, name="Roof closed", due_on=timezone.localdate() + timedelta(days=9)
    )
    Milestone.objects.create(project=project, name="Ground bought", reached_at=timezone.now())
    return project


@pytest.fixture
def task(project: Project) -> Task:
    owner = make_person(name="Ines Internal-Example")
    return make_task(key_prefix="DEP", number=901, title="Order the gate", project=project, assignees=[owner])


@pytest.fixture
def client(manager: UserActor, guest: UserActor, project: Project) -> UserActor:
    share(thing=project, holder=guest.user, codes=LEVELS["approve"], actor=manager)
    return again(guest)


@pytest.fixture
def visitor(login_as: Callable[[UserActor], Client], client: UserActor) -> Client:
    return login_as(client)


def text(answer: object) -> str:
    assert answer.status_code == 200, answer.status_code  # type: ignore[attr-defined]
    return str(answer.content.decode())  # type: ignore[attr-defined]


# --- what does not exist for them


@pytest.mark.parametrize(
    "address",
    ["/tasks/", "/tasks/board/", "/tasks/projects/", "/tasks/search/?q=gate", "/tasks/people/", "/settings/users/",
     "/tasks/approvals/", "/api/v1/tasks/", "/portal/as/0198c0de-0000-7000-8000-000000000000/"],
)  # fmt: skip
def test_the_rest_of_the_product_does_not_exist_for_a_client(visitor: Client, address: str) -> None:
    assert visitor.get(address).status_code == 404


def test_a_task_that_is_not_shared_is_not_there(visitor: Client, tenant: TenantRef) -> None:
    hidden = make_task(title="Buy out the rival")
    assert visitor.get(f"/portal/tasks/{hidden.key}/").status_code == 404
    other = make_project(name="Secret project")
    for address in (f"/portal/projects/{other.pk}/", f"/portal/projects/{other.pk}/report/"):
        assert visitor.get(address).status_code == 404
    assert visitor.post(f"/portal/tasks/{hidden.key}/comment/", {"body": "Hello"}).status_code == 404
    assert not Comment.objects.filter(task=hidden).exists()


def test_what_is_archived_or_taken_back_is_gone(
    visitor: Client, manager: UserActor, client: UserActor, task: Task, project: Project
) -> None:
    assert visitor.get(f"/portal/tasks/{task.key}/").status_code == 200
    Task.objects.filter(pk=task.pk).update(archived_at=timezone.now())
    assert visitor.get(f"/portal/tasks/{task.key}/").status_code == 404
    unshare(thing=project, holder=client.user, actor=manager)
    assert visitor.get(f"/portal/projects/{project.pk}/").status_code == 404
    assert "Nothing has been shared with you yet" in text(visitor.get("/portal/"))


def test_a_colleague_has_no_portal_and_a_stranger_signs_in(
    console: Client, stranger: Client, project: Project
) -> None:
    assert console.get(f"/portal/projects/{project.pk}/").status_code == 404
    assert stranger.get("/portal/").status_code == 302


# --- what they see


def test_the_start_page_leads_a_client_to_what_is_shared(
    visitor: Client, task: Task, project: Project
) -> None:
    make_task(project=project, status="done")
    assert visitor.get("/").headers["Location"] == "/portal/"
    page = text(visitor.get("/portal/"))
    assert "New depot" in page
    assert "Roof closed" in page
    assert "1 of 2 done" in page
    assert "Sidebar" not in page
    assert 'id="palette"' not in page


def test_a_project_shows_its_tasks_milestones_and_moves_but_no_names_of_people(
    visitor: Client, manager: UserActor, task: Task, project: Project
) -> None:
    move_task(task=task, status="in_progress", actor=manager)
    page = text(visitor.get(f"/portal/projects/{project.pk}/"))
    for word in (
        "Order the gate",
        "Roof closed",
        "Ground bought",
        "Reached",
        "In progress",
        "<strong>depot</strong>",
    ):
        assert word in page, word
    assert "Planned → In progress" in page
    assert manager.name not in page
    assert "Ines Internal-Example" not in page
    assert "No tasks in this state" in text(visitor.get(f"/portal/projects/{project.pk}/?state=done"))


def test_a_single_shared_task_does_not_tell_its_project(
    login_as: Callable[[UserActor], Client], manager: UserActor, guest: UserActor, task: Task
) -> None:
    share(thing=task, holder=guest.user, codes=[], actor=manager)
    visitor = login_as(again(guest))
    for address in ("/portal/", f"/portal/tasks/{task.key}/"):
        page = text(visitor.get(address))
        assert "Order the gate" in page
        assert "New depot" not in page
    assert "comment-body" not in text(visitor.get(f"/portal/tasks/{task.key}/"))
    assert visitor.post(f"/portal/tasks/{task.key}/comment/", {"body": "Hello"}).status_code == 403


def test_only_shared_comments_are_shown_and_theirs_are_shared(
    visitor: Client, manager: UserActor, task: Task
) -> None:
    add_comment(task=task, body="Between us: too dear.", actor=manager)
    add_comment(task=task, body="The gate comes in May.", actor=manager, is_shared=True)
    answer = visitor.post(f"/portal/tasks/{task.key}/comment/", {"body": "Could it be green?"})
    assert answer.headers["Location"] == f"/portal/tasks/{task.key}/#comments"
    page = text(visitor.get(f"/portal/tasks/{task.key}/"))
    assert "The gate comes in May." in page
    assert "Could it be green?" in page
    assert "too dear" not in page
    assert Comment.objects.get(body="Could it be green?").is_shared


def test_a_client_may_complete_only_with_the_permission(
    visitor: Client, manager: UserActor, client: UserActor, task: Task, project: Project
) -> None:
    assert visitor.post(f"/portal/tasks/{task.key}/complete/").status_code == 403
    share(thing=project, holder=client.user, codes=LEVELS["edit"], actor=manager)
    assert "Mark as done" in text(visitor.get(f"/portal/tasks/{task.key}/"))
    assert visitor.post(f"/portal/tasks/{task.key}/complete/").status_code == 302
    task.refresh_from_db()
    assert task.status == "done"


# --- approvals


@pytest.fixture
def approval(manager: UserActor, client: UserActor, task: Task) -> ApprovalRequest:
    return request_approval(subject=task, text="Is green right?", approvers=[client.user], actor=manager)


def test_an_approval_waits_and_is_answered_once(visitor: Client, approval: ApprovalRequest) -> None:
    assert "Is green right?" in text(visitor.get("/portal/"))
    page = text(visitor.get(f"/portal/approvals/{approval.pk}/"))
    assert "Ask for changes" in page
    answer = visitor.post(f"/portal/approvals/{approval.pk}/answer/", {"answer": "approved"})
    assert answer.status_code == 302
    again_ = visitor.post(f"/portal/approvals/{approval.pk}/answer/", {"answer": "approved"})
    assert again_.status_code == 302
    assert (
        visitor.post(
            f"/portal/approvals/{approval.pk}/answer/", {"answer": "refused", "note": "No"}
        ).status_code
        == 409
    )
    page = text(visitor.get("/portal/approvals/"))
    assert "Nothing waits for you." in page
    assert "Approved" in page


def test_a_no_without_a_reason_is_asked_for_one(visitor: Client, approval: ApprovalRequest) -> None:
    answer = visitor.post(f"/portal/approvals/{approval.pk}/answer/", {"answer": "refused", "note": " "})
    assert answer.status_code == 422
    assert "Say what should be different." in answer.content.decode()
    approval.refresh_from_db()
    assert approval.is_open


def test_somebody_elses_approval_is_not_there(
    visitor: Client, manager: UserActor, member: UserActor, task: Task
) -> None:
    inside = request_approval(subject=task, text="The budget?", approvers=[member.user], actor=manager)
    assert visitor.get(f"/portal/approvals/{inside.pk}/").status_code == 404
    assert "The budget?" not in text(visitor.get(f"/portal/tasks/{task.key}/"))
    assert "The budget?" not in text(visitor.get("/portal/approvals/"))


# --- reports


def test_the_report_counts_and_comes_as_a_file(visitor: Client, task: Task, project: Project) -> None:
    make_task(project=project, status="done")
    make_task(project=project, due_on=timezone.localdate() - timedelta(days=3))
    Milestone.objects.create(project=project, name="=HYPERLINK(1)")
    page = text(visitor.get(f"/portal/projects/{project.pk}/report/"))
    assert re.search(r"Completed</dt>\s*<dd class=\"kpi-value\">1\b", page)
    assert re.search(r"Remaining</dt>\s*<dd class=\"kpi-value\">2\b", page)
    assert "View as table" in page
    answer = visitor.get(f"/portal/projects/{project.pk}/report.csv")
    lines = answer.content.decode().splitlines()
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    this_week = lines[10].split(",")
    assert this_week[1:] == ["1", "2"]
    assert "'=HYPERLINK(1),," in lines


# --- the preview


def test_a_member_sees_what_the_client_sees_and_changes_nothing(
    login_as: Callable[[UserActor], Client],
    member: UserActor,
    client: UserActor,
    task: Task,
    manager: UserActor,
) -> None:
    add_comment(task=task, body="Between us", actor=manager)
    hidden = make_task(title="Buy out the rival")
    colleague = login_as(member)
    listed = text(colleague.get("/portal/"))
    assert f"/portal/as/{client.user_id}/" in listed
    page = text(colleague.get(f"/portal/as/{client.user_id}/"))
    assert "Preview" in page
    assert "New depot" in page
    assert f"/portal/as/{client.user_id}/projects/{task.project_id}/" in page
    shown = text(colleague.get(f"/portal/as/{client.user_id}/tasks/{task.key}/"))
    assert "Between us" not in shown
    assert "comment-body" not in shown
    assert colleague.get(f"/portal/as/{client.user_id}/tasks/{hidden.key}/").status_code == 404
    assert colleague.post(f"/portal/tasks/{task.key}/comment/", {"body": "Me"}).status_code == 404


def test_only_clients_are_previewed_and_only_by_who_sees_everything(
    tenant: TenantRef,
    login_as: Callable[[UserActor], Client],
    member: UserActor,
    manager: UserActor,
    owner: UserActor,
) -> None:
    assert login_as(member).get(f"/portal/as/{manager.user_id}/").status_code == 404
    scoped = person(tenant, Role.GUEST, "Sara Scoped-Example")
    project = make_project(name="Their part")
    grant_role(
        holder=Holder("user", scoped.user_id),
        role=Role.MEMBER,
        actor=owner,
        scope=Scope(ScopeType.PROJECT, project.pk),
    )
    assert login_as(again(scoped)).get(f"/portal/as/{scoped.user_id}/").status_code == 403
    assert login_as(again(scoped)).get("/tasks/").status_code == 200


def test_an_operator_who_visits_is_no_client_to_look_at(
    login_as: Callable[[UserActor], Client], client: UserActor, member: UserActor
) -> None:
    SupportAccount.objects.create(user=client.user, operator_id=uuid7())
    looking = login_as(member)
    assert looking.get(f"/portal/as/{client.user_id}/").status_code == 404
    assert client.user.name not in looking.get("/portal/").content.decode()


# --- what it costs


@pytest.mark.parametrize("size", [1, 60])
def test_every_page_costs_few_queries_however_much_is_shared(
    tenant: TenantRef,
    visitor: Client,
    manager: UserActor,
    client: UserActor,
    project: Project,
    task: Task,
    size: int,
) -> None:
    for number in range(size):
        other = make_project(name=f"More {number}")
        Milestone.objects.create(project=other, name="A", due_on=timezone.localdate())
        share(thing=other, holder=client.user, codes=LEVELS["comment"], actor=manager)
        share(thing=make_task(title=f"Single {number}"), holder=client.user, codes=[], actor=manager)
        mine = make_task(project=project, status=Task.Status.values[number % 6])
        add_comment(task=task, body=f"Word {number}", actor=manager, is_shared=True)
        request_approval(subject=mine, text="Right?", approvers=[client.user], actor=manager)
    approval = request_approval(subject=task, text="Right?", approvers=[client.user], actor=manager)
    costs = {}
    for address in (
        "/portal/", "/portal/approvals/", f"/portal/approvals/{approval.pk}/", f"/portal/projects/{project.pk}/",
        f"/portal/projects/{project.pk}/report/", f"/portal/projects/{project.pk}/report.csv",
        f"/portal/tasks/{task.key}/",
    ):  # fmt: skip
        with CaptureQueriesContext(connections[tenant.cell]) as captured:
            assert visitor.get(address).status_code == 200
        costs[address] = sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in captured)
    assert {address: cost for address, cost in costs.items() if cost > MOST_QUERIES} == {}


# --- what cannot be done


def test_a_refusal_stays_in_the_clients_own_frame(visitor: Client, approval: ApprovalRequest) -> None:
    address = f"/portal/approvals/{approval.pk}/answer/"
    assert visitor.post(address, {"answer": "approved"}).status_code == 302
    settled = visitor.post(address, {"answer": "refused", "note": "No."})
    page = settled.content.decode()
    assert (settled.status_code, "You have answered this already." in page) == (409, True)
    assert 'class="portal-head"' in page
