"""What the portal costs when a great deal is shared: the same few statements a page."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks.approvals.services import request_approval
from tasks.models import Milestone, Project, ProjectUserShare, Task, TaskUserShare
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_project

MOST_STATEMENTS = 13
TASKS, SHARES = 2_000, 200
CODES = ("tasks.view", "tasks.comment", "tasks.approve")


@pytest.fixture
def project(tenant: TenantRef, guest: UserActor, manager: UserActor) -> Project:
    """The first of 100 shared projects, half of all tasks in it; 100 tasks of a hidden project are shared alone."""
    projects = Project.objects.bulk_create(
        Project(name=f"Shared {number}", key=f"SH{number}") for number in range(SHARES // 2)
    )
    hidden = make_project(name="Hidden")
    today, states, finished = timezone.localdate(), Task.Status.values, timezone.now() - timedelta(days=9)
    tasks = Task.objects.bulk_create(
        Task(
            title=f"Task {number}", key_prefix="BIG", number=number + 1, status=states[number % len(states)],
            project=projects[0] if number % 2 else hidden if number % 4 else projects[number % len(projects)],
            due_on=today + timedelta(days=number % 90 - 30),
            completed_at=finished if states[number % len(states)] == "done" else None,
        )
        for number in range(TASKS)
    )  # fmt: skip
    Milestone.objects.bulk_create(
        Milestone(project=each, name=f"Stage {number}", due_on=today + timedelta(days=number))
        for each in projects
        for number in range(5)
    )
    alone = [each for each in tasks if each.project_id == hidden.pk][: SHARES // 2]
    ProjectUserShare.objects.bulk_create(
        ProjectUserShare(content_object=each, user=guest.user, permission=code)
        for each in projects
        for code in CODES
    )
    TaskUserShare.objects.bulk_create(
        TaskUserShare(content_object=each, user=guest.user, permission=code)
        for each in alone
        for code in CODES
    )
    for task in [each for each in tasks if each.project_id == projects[0].pk][:20]:
        request_approval(subject=task, text="Right?", approvers=[guest.user], actor=manager)
    return projects[0]


def test_two_thousand_tasks_and_two_hundred_shares_cost_few_statements(
    tenant: TenantRef, project: Project, guest: UserActor, login_as: Callable[[UserActor], Client]
) -> None:
    assert Task.objects.count() >= TASKS
    shared = ProjectUserShare.objects.filter(permission="tasks.view").count()
    assert shared + TaskUserShare.objects.filter(permission="tasks.view").count() == SHARES
    visitor = login_as(actor_for(User.objects.get(pk=guest.user_id)))
    task = Task.objects.filter(project=project).order_by("number")[0]
    approval = task.approvals.get()
    costs, pages = {}, {}
    for address in (
        "/portal/", "/portal/approvals/", f"/portal/approvals/{approval.pk}/", f"/portal/projects/{project.pk}/",
        f"/portal/projects/{project.pk}/report/", f"/portal/projects/{project.pk}/report.csv",
        f"/portal/tasks/{task.key}/",
    ):  # fmt: skip
        with CaptureQueriesContext(connections[tenant.cell]) as captured:
            answer = visitor.get(address)
        assert answer.status_code == 200, address
        costs[address] = sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE")) for query in captured)
        pages[address] = answer.content.decode()
    assert {address: cost for address, cost in costs.items() if cost > MOST_STATEMENTS} == {}
    assert "Shared 99" in pages["/portal/"]
    assert "Stage 4" in pages[f"/portal/projects/{project.pk}/"]
