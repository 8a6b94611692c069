"""A reminder before an approval is due: once, in the morning of the day before, to those who still owe an answer."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from django.core import mail
from django.utils import timezone

from tasks.approvals.letters import DUE, request_letter
from tasks.approvals.reminding import REMIND_JOB, remind, reminder_time
from tasks.approvals.services import grant_approval, request_approval, withdraw_approval
from tasks.models import ApprovalRequest, Task
from tasks.sharing import share, unshare
from tenants.accounts.access import UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.dispatch.running import Outcome
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope
from tests.factories.tasks import make_project, make_task
from tests.fakes.dispatch import run_due_work


@pytest.fixture
def task(tenant: TenantRef) -> Task:
    return make_task(title="Foundation of the depot", project=make_project(name="Depot"))


@pytest.fixture
def client(task: Task, manager: UserActor, guest: UserActor) -> UserActor:
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    return actor_for(User.objects.get(pk=guest.user_id))


def asked(task: Task, by: UserActor, of: list[UserActor], due_on: date | None) -> ApprovalRequest:
    users = [each.user for each in of]
    return request_approval(subject=task, text="Right?", approvers=users, actor=by, rule="all", due_on=due_on)


def letters_to(tenant: TenantRef) -> list[str]:
    with cell_scope(tenant.cell):
        rows = WorkItem.objects.filter(tenant_id=tenant.id, kind="tasks.approval_due_letter")
        return [row.payload["user_id"] for row in rows]


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


@pytest.mark.parametrize("days", [None, 0, 1])
def test_what_has_no_day_or_is_due_at_once_is_not_reminded_of(
    tenant: TenantRef, task: Task, manager: UserActor, client: UserActor, days: int | None
) -> None:
    asked(task, manager, [client], None if days is None else in_days(days))
    with cell_scope(tenant.cell):
        assert not WorkItem.objects.filter(tenant_id=tenant.id, kind=REMIND_JOB).exists()


def test_it_comes_on_the_morning_of_the_day_before(
    tenant: TenantRef, task: Task, manager: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [client], in_days(9))
    expected = datetime.combine(in_days(8), datetime.min.time(), tzinfo=UTC) + timedelta(hours=8)
    assert reminder_time(approval) == expected
    with cell_scope(tenant.cell):
        row = WorkItem.objects.get(tenant_id=tenant.id, kind=REMIND_JOB)
    assert (row.object_id, row.due_at) == (approval.pk, expected)


def test_only_who_has_not_answered_is_reminded(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [client, member], in_days(9))
    grant_approval(approval=approval, actor=member)
    assert remind(approval.pk) == 1
    assert letters_to(tenant) == [str(client.user_id)]
    letter = request_letter(approval_id=approval.pk, user_id=UUID(str(client.user_id)), kind=DUE)
    assert letter is not None
    letter.send()
    assert mail.outbox[-1].to == [client.user.email]
    assert mail.outbox[-1].subject.startswith("Due ")
    assert f"/portal/approvals/{approval.pk}/" in str(mail.outbox[-1].body)


def test_what_is_settled_or_no_longer_shared_is_not_reminded_of(
    tenant: TenantRef, task: Task, manager: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [client], in_days(9))
    unshare(thing=task, holder=client.user, actor=manager)
    assert remind(approval.pk) == 0
    withdraw_approval(approval=approval, actor=manager)
    assert remind(approval.pk) == 0
    assert letters_to(tenant) == []


def test_the_job_asks_for_the_letters_once(
    tenant: TenantRef, task: Task, manager: UserActor, client: UserActor
) -> None:
    asked(task, manager, [client], in_days(9))
    with cell_scope(tenant.cell):
        WorkItem.objects.filter(tenant_id=tenant.id, kind=REMIND_JOB).update(
            due_at=timezone.now() - timedelta(minutes=1)
        )
    assert run_due_work(tenant, kind=REMIND_JOB) == {REMIND_JOB: [Outcome.DONE]}
    assert run_due_work(tenant, kind=REMIND_JOB) == {}
    assert letters_to(tenant) == [str(client.user_id)]
