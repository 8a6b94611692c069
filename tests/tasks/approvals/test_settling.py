"""Approvals whose approvers go: nobody waits for who cannot answer, and nothing looks agreed to that is not."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from tasks.approvals.letters import nobody_left_letter
from tasks.approvals.services import answer_approval, grant_approval, request_approval, withdraw_approval
from tasks.approvals.settling import look_again, look_at_open_approvals
from tasks.events import ApprovalGranted, ShareTakenBack
from tasks.models import ApprovalRequest, Task, TaskUserShare
from tasks.sharing import share, unshare
from tasks.subscribers import look_at_approvals_after_a_share_went, look_at_approvals_after_access_changed
from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.groups import create_group, delete_group, set_members
from tenants.accounts.events import AccessChanged
from tenants.accounts.models import Group, GroupMembership, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, deactivate_user, reactivate_user
from tenants.dispatch import registry
from tenants.models import WorkItem
from tenants.tenancy import TenantRef, cell_scope
from tests.factories.tasks import make_project, make_task
from tests.fakes.events import PublishedEvents
from tests.people import person


@pytest.fixture
def task(tenant: TenantRef) -> Task:
    return make_task(title="Foundation of the depot", project=make_project(name="Depot"))


@pytest.fixture
def ben(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.MEMBER, "Ben Builder-Example")


def asked(task: Task, by: UserActor, of: list[User | Group], rule: str = "all") -> ApprovalRequest:
    return request_approval(subject=task, text="Is the plan right?", approvers=of, actor=by, rule=rule)


def state_of(approval: ApprovalRequest) -> tuple[str, bool]:
    """Its state, and whether it is known that nobody is left."""
    found = ApprovalRequest.objects.get(pk=approval.pk)
    return found.state, found.nobody_left_at is not None


def kinds_waiting(tenant: TenantRef) -> list[str]:
    with cell_scope(tenant.cell):
        return sorted(
            WorkItem.objects.filter(tenant_id=tenant.id, state="ready").values_list("kind", flat=True)
        )


# --- nobody is left


def test_where_nobody_can_answer_it_stays_open_and_who_asked_is_told_once(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor, owner: UserActor
) -> None:
    approval = asked(task, manager, [member.user])
    deactivate_user(user=member.user, actor=owner)
    assert look_again(approval.pk)
    assert state_of(approval) == ("requested", True)
    assert not look_again(approval.pk)
    assert kinds_waiting(tenant).count("tasks.approval_nobody_left_letter") == 1
    letter = nobody_left_letter(approval_id=approval.pk)
    assert letter is not None
    letter.send()
    assert mail.outbox[-1].to == [manager.user.email]
    assert "Nobody can answer" in mail.outbox[-1].subject


def test_it_waits_again_as_soon_as_somebody_can(
    task: Task, manager: UserActor, member: UserActor, owner: UserActor
) -> None:
    approval = asked(task, manager, [member.user])
    deactivate_user(user=member.user, actor=owner)
    look_again(approval.pk)
    reactivate_user(user=User.objects.get(pk=member.user_id), actor=owner)
    assert look_again(approval.pk)
    assert state_of(approval) == ("requested", False)
    assert nobody_left_letter(approval_id=approval.pk) is None
    assert grant_approval(approval=approval, actor=actor_for(User.objects.get(pk=member.user_id))).state == (
        "approved"
    )


def test_by_the_rule_any_nobody_left_is_no_yes_either(
    task: Task, manager: UserActor, guest: UserActor
) -> None:
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    approval = asked(task, manager, [guest.user], rule="any")
    unshare(thing=task, holder=guest.user, actor=manager)
    look_at_open_approvals()
    assert state_of(approval) == ("requested", True)


def test_a_group_that_is_gone_leaves_nobody(
    task: Task, manager: UserActor, member: UserActor, owner: UserActor
) -> None:
    group = create_group(name="Leads", actor=owner)
    set_members(group=group, user_ids=[member.user_id], actor=owner)
    approval = asked(task, manager, [group])
    delete_group(group=group, actor=owner)
    look_again(approval.pk)
    assert state_of(approval) == ("requested", True)
    assert withdraw_approval(approval=approval, actor=manager).state == "withdrawn"
    assert state_of(approval) == ("withdrawn", False)


# --- the others have said yes


@pytest.mark.parametrize(
    "how", ["deactivated", "guest", "left the group", "group emptied", "share", "ran out"]
)
def test_the_last_missing_one_who_goes_settles_what_the_others_agreed_to(
    task: Task,
    manager: UserActor,
    member: UserActor,
    guest: UserActor,
    owner: UserActor,
    ben: UserActor,
    how: str,
    published_events: PublishedEvents,
) -> None:
    group = create_group(name="Leads", actor=owner)
    set_members(group=group, user_ids=[ben.user_id], actor=owner)
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    missing: User | Group = {
        "share": guest.user,
        "ran out": guest.user,
        "deactivated": ben.user,
        "guest": ben.user,
    }.get(how, group)
    approval = asked(task, manager, [member.user, missing])
    assert grant_approval(approval=approval, actor=member).state == "requested"
    match how:
        case "deactivated":
            deactivate_user(user=ben.user, actor=owner)
        case "guest":
            change_role(user=ben.user, role=Role.GUEST, actor=owner)
        case "left the group":
            set_members(group=group, user_ids=[manager.user_id], actor=owner)
        case "group emptied":
            set_members(group=group, user_ids=[], actor=owner)
        case "share":
            unshare(thing=task, holder=guest.user, actor=manager)
        case _:
            TaskUserShare.objects.filter(user=guest.user).update(
                expires_at=timezone.now() - timedelta(seconds=1)
            )
    assert look_at_open_approvals() == 1
    assert state_of(approval) == ("approved", False)
    assert [each.approval_id for each in published_events.of(ApprovalGranted)] == [approval.pk]
    assert look_at_open_approvals() == 0


def test_who_still_can_is_waited_for(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor, ben: UserActor, owner: UserActor
) -> None:
    carl = person(tenant, Role.MEMBER, "Carl Carpenter-Example")
    approval = asked(task, manager, [member.user, ben.user, carl.user])
    grant_approval(approval=approval, actor=member)
    deactivate_user(user=ben.user, actor=owner)
    assert not look_again(approval.pk)
    assert grant_approval(approval=approval, actor=carl).state == "approved"


def test_a_yes_stands_when_its_person_leaves_the_group(
    task: Task, manager: UserActor, member: UserActor, ben: UserActor, owner: UserActor
) -> None:
    group = create_group(name="Leads", actor=owner)
    set_members(group=group, user_ids=[ben.user_id], actor=owner)
    approval = asked(task, manager, [group, member.user])
    grant_approval(approval=approval, actor=ben)
    set_members(group=group, user_ids=[member.user_id], actor=owner)
    # Member answers for themselves; the group has answered already.
    assert grant_approval(approval=approval, actor=member).state == "approved"


def test_a_yes_stands_when_its_person_is_deactivated(
    task: Task, manager: UserActor, member: UserActor, ben: UserActor, owner: UserActor
) -> None:
    approval = asked(task, manager, [ben.user, member.user])
    grant_approval(approval=approval, actor=ben)
    deactivate_user(user=ben.user, actor=owner)
    deactivate_user(user=member.user, actor=owner)
    assert look_again(approval.pk)
    assert state_of(approval) == ("approved", False)


def test_what_is_settled_is_left_alone(
    task: Task, manager: UserActor, member: UserActor, owner: UserActor
) -> None:
    approval = asked(task, manager, [member.user])
    answer_approval(approval=approval, answer="refused", note="No.", actor=member)
    deactivate_user(user=member.user, actor=owner)
    assert not look_again(approval.pk)
    assert state_of(approval) == ("refused", False)


# --- large groups


def test_of_a_group_everybody_counts(
    tenant: TenantRef, task: Task, manager: UserActor, guest: UserActor
) -> None:
    group = Group.objects.create(name="Everybody")
    guests = User.objects.bulk_create(
        User(email=f"g{number:03}@client.example", name=f"Guest {number:03}") for number in range(40)
    )
    GroupMembership.objects.bulk_create(GroupMembership(group=group, user=each) for each in guests)
    last = person(tenant, Role.MEMBER, "Zoe Zeta-Example")
    GroupMembership.objects.create(group=group, user=last.user)
    approval = asked(task, manager, [group])
    assert kinds_waiting(tenant).count("tasks.approval_asked_letter") == 1
    assert grant_approval(approval=approval, actor=actor_for(last.user)).state == "approved"


# --- who looks, and when


def test_every_loss_of_access_is_announced(
    task: Task,
    tenant: TenantRef,
    manager: UserActor,
    guest: UserActor,
    member: UserActor,
    owner: UserActor,
    published_events: PublishedEvents,
) -> None:
    share(thing=task, holder=guest.user, codes=["tasks.approve"], actor=manager)
    unshare(thing=task, holder=guest.user, actor=manager)
    unshare(thing=task, holder=guest.user, actor=manager)
    assert [each.thing_id for each in published_events.of(ShareTakenBack)] == [task.pk]
    before = len(published_events.of(AccessChanged))
    deactivate_user(user=member.user, actor=owner)
    assert len(published_events.of(AccessChanged)) == before + 1
    look_at_approvals_after_access_changed([AccessChanged(), AccessChanged()])
    look_at_approvals_after_a_share_went([ShareTakenBack(thing_id=task.pk, is_task=True)])
    assert kinds_waiting(tenant).count("tasks.approvals_look_again") == 2


def test_each_open_approval_is_looked_at_daily_until_it_is_settled(
    tenant: TenantRef, task: Task, manager: UserActor, member: UserActor
) -> None:
    approval = asked(task, manager, [member.user])
    with cell_scope(tenant.cell):
        row = WorkItem.objects.get(kind="tasks.approval_look_again", tenant_id=tenant.id)
    assert (row.object_id, row.every_seconds) == (approval.pk, 24 * 3600)
    assert registry.find("tasks.approval_look_again") is not None
