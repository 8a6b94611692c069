"""Asking for approvals and answering them: who may, once, by which rule, and what is told."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import pytest

from tasks.approvals.letters import request_letter
from tasks.approvals.selectors import approvals_about, is_asked, visible_approvals, waiting_for
from tasks.approvals.services import answer_approval, grant_approval, request_approval, withdraw_approval
from tasks.models import ApprovalDecision, ApprovalRequest, Milestone, Task, TaskActivity
from tasks.sharing import share, unshare
from tenants.accounts.access import Role, UserActor
from tenants.accounts.models import Group, GroupMembership, User
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope
from tests.factories.tasks import make_project, make_task
from tests.fakes.events import PublishedEvents
from tests.people import person


def again(actor: UserActor) -> UserActor:
    return actor_for(User.objects.get(pk=actor.user_id))


@pytest.fixture
def task(tenant: TenantRef) -> Task:
    return make_task(title="Foundation of the depot", project=make_project(name="Depot"))


@pytest.fixture
def client(tenant: TenantRef, manager: UserActor, guest: UserActor, task: Task) -> UserActor:
    """A client the task is shared with, for approving."""
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    return again(guest)


def asked(task: Task, by: UserActor, of: Sequence[User | Group], rule: str = "any") -> ApprovalRequest:
    return request_approval(subject=task, text="Is the plan right?", approvers=of, actor=by, rule=rule)


# --- what is refused


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": " \x00 "}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"rule": "most"}, "rule"),
        ({"approvers": []}, "approvers"),
        ({"due_on": date(2020, 1, 1)}, "due_on"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(
    task: Task, manager: UserActor, member: UserActor, wrong: dict[str, object], field: str
) -> None:
    values: dict[str, object] = {"text": "Right?", "approvers": [member.user], "rule": "any"} | wrong
    with pytest.raises(InvalidInput) as refusal:
        request_approval(subject=task, actor=manager, **values)  # type: ignore[arg-type]
    assert set(refusal.value.fields) == {field}
    assert not ApprovalRequest.objects.exists()


def test_nobody_asks_themselves(task: Task, manager: UserActor) -> None:
    with pytest.raises(InvalidInput, match="not valid") as refusal:
        asked(task, manager, [manager.user])
    assert "themselves" in refusal.value.fields["approvers"][0]


def test_who_may_not_see_it_cannot_be_asked(task: Task, manager: UserActor, guest: UserActor) -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked(task, manager, [guest.user])
    assert "Share it" in refusal.value.fields["approvers"][0]


def test_a_share_that_only_lets_see_is_not_enough(task: Task, manager: UserActor, guest: UserActor) -> None:
    share(thing=task, holder=guest.user, codes=["tasks.comment"], actor=manager)
    with pytest.raises(InvalidInput):
        asked(task, manager, [guest.user])


def test_a_client_asks_nobody(task: Task, client: UserActor, member: UserActor) -> None:
    with pytest.raises(Forbidden):
        asked(task, client, [member.user])


def test_who_was_not_asked_does_not_answer(
    task: Task, manager: UserActor, member: UserActor, admin: UserActor
) -> None:
    approval = asked(task, manager, [member.user])
    with pytest.raises(Forbidden) as refusal:
        grant_approval(approval=approval, actor=admin)
    assert refusal.value.code == "forbidden.not_an_approver"


def test_who_asked_does_not_answer_not_even_by_a_group(
    task: Task, manager: UserActor, member: UserActor
) -> None:
    group = Group.objects.create(name="Leads")
    for user in (manager.user, member.user):
        GroupMembership.objects.create(group=group, user=user)
    approval = asked(task, manager, [group])
    assert not is_asked(approval, actor=manager)
    with pytest.raises(Forbidden) as refusal:
        grant_approval(approval=approval, actor=manager)
    assert refusal.value.code == "forbidden.own_approval"
    assert grant_approval(approval=approval, actor=member).state == "approved"


@pytest.mark.parametrize("answer", ["changes_requested", "refused"])
def test_a_no_says_why(task: Task, manager: UserActor, member: UserActor, answer: str) -> None:
    approval = asked(task, manager, [member.user])
    with pytest.raises(InvalidInput) as refusal:
        answer_approval(approval=approval, answer=answer, actor=member, note="  ")
    assert "note" in refusal.value.fields
    assert not ApprovalDecision.objects.exists()


def test_an_unknown_answer_is_refused(task: Task, manager: UserActor, member: UserActor) -> None:
    with pytest.raises(InvalidInput):
        answer_approval(approval=asked(task, manager, [member.user]), answer="perhaps", actor=member)


def test_a_share_that_was_taken_back_answers_nothing(
    task: Task, manager: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [client.user])
    unshare(thing=task, holder=client.user, actor=manager)
    with pytest.raises(Forbidden):
        grant_approval(approval=approval, actor=again(client))
    assert not waiting_for(actor=again(client)).exists()


# --- answering


def test_a_client_approves_once_and_it_is_told(
    task: Task, manager: UserActor, client: UserActor, published_events: PublishedEvents
) -> None:
    approval = asked(task, manager, [client.user])
    assert [each.pk for each in waiting_for(actor=client)] == [approval.pk]
    done = grant_approval(approval=approval, actor=client, note="Looks good.")
    assert (done.state, done.decided_at is not None) == ("approved", True)
    assert not waiting_for(actor=client).exists()
    again_done = grant_approval(approval=approval, actor=client)
    assert (again_done.pk, ApprovalDecision.objects.count()) == (approval.pk, 1)
    told = [name for name in published_events.names if name.startswith("approval.")]
    assert told == ["approval.requested", "approval.answered", "approval.granted"]
    verbs = list(TaskActivity.objects.filter(task=task).order_by("pk").values_list("verb", flat=True))
    assert verbs == ["approval_asked", "approval_given"]


def test_another_answer_afterwards_is_a_conflict(task: Task, manager: UserActor, client: UserActor) -> None:
    approval = asked(task, manager, [client.user])
    grant_approval(approval=approval, actor=client)
    with pytest.raises(Conflict) as refusal:
        answer_approval(approval=approval, answer="refused", actor=client, note="No")
    assert refusal.value.code == "conflict.approval_answered"


def test_any_is_settled_by_the_first(
    task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [member.user, client.user])
    assert (
        answer_approval(
            approval=approval, answer="changes_requested", actor=client, note="Smaller, please."
        ).state
        == "changes_requested"
    )
    with pytest.raises(Conflict) as refusal:
        grant_approval(approval=approval, actor=member)
    assert refusal.value.code == "conflict.approval_settled"


def test_all_waits_for_everybody(
    task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [member.user, client.user], rule="all")
    assert grant_approval(approval=approval, actor=client).state == "requested"
    assert grant_approval(approval=approval, actor=member).state == "approved"


def test_all_does_not_wait_for_somebody_who_has_left(
    task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    approval = asked(task, manager, [member.user, client.user], rule="all")
    User.objects.filter(pk=member.user_id).update(is_active=False)
    assert grant_approval(approval=approval, actor=client).state == "approved"


def test_one_of_a_group_answers_for_it(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor
) -> None:
    group = Group.objects.create(name="Reviewers")
    other = person(tenant, Role.MEMBER, "Rita Reviewer-Example")
    for user in (member.user, other.user):
        GroupMembership.objects.create(group=group, user=user)
    approval = asked(task, manager, [group], rule="all")
    assert grant_approval(approval=approval, actor=other).state == "approved"


def test_what_was_withdrawn_is_answered_no_more(task: Task, manager: UserActor, member: UserActor) -> None:
    approval = asked(task, manager, [member.user])
    with pytest.raises(Forbidden):
        withdraw_approval(approval=approval, actor=member)
    assert withdraw_approval(approval=approval, actor=manager).state == "withdrawn"
    assert withdraw_approval(approval=approval, actor=manager).state == "withdrawn"
    with pytest.raises(Conflict):
        grant_approval(approval=approval, actor=member)


def test_a_settled_one_is_not_withdrawn(task: Task, manager: UserActor, member: UserActor) -> None:
    approval = asked(task, manager, [member.user])
    grant_approval(approval=approval, actor=member)
    with pytest.raises(Conflict):
        withdraw_approval(approval=approval, actor=manager)


# --- who sees what


def test_a_client_sees_those_alone_that_ask_them(
    task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    inside = asked(task, manager, [member.user])
    theirs = asked(task, manager, [client.user])
    assert [each.pk for each in visible_approvals(actor=client)] == [theirs.pk]
    assert {each.pk for each in visible_approvals(actor=member)} == {inside.pk, theirs.pk}
    with pytest.raises((NotFound, Forbidden)):
        grant_approval(approval=inside, actor=client)


def test_a_milestone_is_guarded_by_its_project(
    manager: UserActor, guest: UserActor, tenant: TenantRef
) -> None:
    project = make_project(name="Harbour")
    milestone = Milestone.objects.create(project=project, name="Quay ready")
    share(thing=project, holder=guest.user, codes=["tasks.approve"], actor=manager)
    client = again(guest)
    approval = request_approval(subject=milestone, text="Ready?", approvers=[client.user], actor=manager)
    assert [each.pk for each in approvals_about(subject=project, actor=client)] == [approval.pk]
    assert grant_approval(approval=approval, actor=client).state == "approved"


def test_everybody_asked_gets_one_letter(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor, client: UserActor
) -> None:
    group = Group.objects.create(name="Readers")
    GroupMembership.objects.create(group=group, user=member.user)
    approval = asked(task, manager, [member.user, client.user, group])
    with cell_scope(tenant.cell):
        items = list(
            WorkItem.objects.using(tenant.cell).filter(
                tenant_id=tenant.id, kind="tasks.approval_asked_letter", object_id=approval.pk
            )
        )
    assert {UUID(item.payload["user_id"]) for item in items} == {member.user_id, client.user_id}


def test_nobody_reads_in_a_letter_what_they_may_not_see(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor, guest: UserActor
) -> None:
    """A group is asked as a whole: its people who may not see the task get no letter about it."""
    group = Group.objects.create(name="Readers")
    GroupMembership.objects.bulk_create(
        GroupMembership(group=group, user=each.user) for each in (member, guest)
    )
    approval = asked(task, manager, [group])
    letter = request_letter(approval_id=approval.pk, user_id=member.user_id)
    assert letter is not None
    assert task.title in letter.subject
    assert request_letter(approval_id=approval.pk, user_id=guest.user_id) is None
    share(thing=task, holder=guest.user, codes=["tasks.comment"], actor=manager)
    assert request_letter(approval_id=approval.pk, user_id=guest.user_id) is None
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    assert request_letter(approval_id=approval.pk, user_id=guest.user_id) is not None
    grant_approval(approval=approval, actor=again(member))
    assert request_letter(approval_id=approval.pk, user_id=guest.user_id) is None
