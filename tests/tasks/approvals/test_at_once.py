"""Two people answer one approval in the same moment: nothing is lost, nothing is settled twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connections

from tasks.approvals.services import answer_approval, request_approval
from tasks.models import ApprovalDecision, ApprovalRequest
from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict
from tenants.outbox.models import OutboxEvent
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.tasks import make_project, make_task
from tests.people import person

type Ask = Callable[[str], ApprovalRequest]


@pytest.fixture
def people(committed_tenant: TenantRef) -> list[UserActor]:
    with tenant_scope(committed_tenant), atomic():
        return [person(committed_tenant, Role.MEMBER, f"{name} Member-Example") for name in ("Ann", "Ben")]


@pytest.fixture
def ask(committed_tenant: TenantRef, people: list[UserActor]) -> Ask:
    def asked(rule: str) -> ApprovalRequest:
        with tenant_scope(committed_tenant), atomic():
            manager = person(committed_tenant, Role.MANAGER, "Mona Manager-Example")
            task = make_task(title="Gate", project=make_project(name="Depot"))
            approvers = [each.user for each in people]
            return request_approval(
                subject=task, text="Right?", approvers=approvers, actor=manager, rule=rule
            )

    return asked


def answered_at_once(
    tenant: TenantRef, approval: ApprovalRequest, answers: list[tuple[UUID, str]]
) -> list[str]:
    """What each of them was told: the state afterwards, or the code of the refusal."""
    together = Barrier(len(answers), timeout=60)

    def answer(user_id: UUID, word: str) -> str:
        try:
            with tenant_scope(tenant):
                with atomic():
                    actor = actor_for(User.objects.get(pk=user_id))
                    # Read before the other has answered: only the lock can tell them apart.
                    seen = ApprovalRequest.objects.get(pk=approval.pk)
                    assert seen.is_open
                together.wait()
                return answer_approval(approval=seen, answer=word, actor=actor, note="So it is.").state
        except Conflict as refusal:
            return refusal.code
        finally:
            connections[tenant.cell].close()

    with ThreadPoolExecutor(len(answers)) as threads:
        return sorted(threads.map(lambda each: answer(*each), answers))


def outcomes(tenant: TenantRef) -> list[str]:
    """The events that say how it ended."""
    ends = ["approval.granted", "approval.refused", "approval.changes_requested"]
    return list(OutboxEvent.objects.filter(name__in=ends).values_list("name", flat=True))


@pytest.mark.parametrize("second", ["approved", "refused"])
def test_by_the_rule_any_one_of_two_answers_decides(
    committed_tenant: TenantRef, people: list[UserActor], ask: Ask, second: str
) -> None:
    approval, (ann, ben) = ask("any"), people
    told = answered_at_once(committed_tenant, approval, [(ann.user_id, "approved"), (ben.user_id, second)])
    with tenant_scope(committed_tenant), atomic():
        state = ApprovalRequest.objects.get(pk=approval.pk).state
        assert told == sorted([state, "conflict.approval_settled"])
        assert [each.answer for each in ApprovalDecision.objects.all()] == [state]
        assert outcomes(committed_tenant) == [
            "approval.granted" if state == "approved" else "approval.refused"
        ]


def test_by_the_rule_all_both_yeses_count_and_the_last_settles_it(
    committed_tenant: TenantRef, people: list[UserActor], ask: Ask
) -> None:
    approval, (ann, ben) = ask("all"), people
    told = answered_at_once(
        committed_tenant, approval, [(ann.user_id, "approved"), (ben.user_id, "approved")]
    )
    assert told == ["approved", "requested"]
    with tenant_scope(committed_tenant), atomic():
        assert ApprovalRequest.objects.get(pk=approval.pk).state == "approved"
        assert set(ApprovalDecision.objects.values_list("user_id", flat=True)) == {ann.user_id, ben.user_id}
        assert outcomes(committed_tenant) == ["approval.granted"]


def test_one_person_in_two_windows_answers_once(
    committed_tenant: TenantRef, people: list[UserActor], ask: Ask
) -> None:
    approval, ann = ask("all"), people[0]
    told = answered_at_once(committed_tenant, approval, [(ann.user_id, "approved")] * 2)
    assert told == ["requested", "requested"]
    with tenant_scope(committed_tenant), atomic():
        assert ApprovalDecision.objects.count() == 1
