"""Nobody brings their second person along: who came by a permission today does not agree while others are there."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.accounts.access import Role, UserActor
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, _kinds, register_change
from tenants.accounts.access.custom_roles import change_custom_role
from tenants.accounts.access.deciding import approve_change, refuse_change
from tenants.accounts.access.groups import add_member
from tenants.accounts.access.left_alone import COOLING
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.models import CustomRole, Group, GroupMembership, ProposedChange, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, deactivate_user
from tenants.foundation.errors import Forbidden
from tenants.tenancy import TenantRef
from tests.people import person

SSO = "accounts.manage_sso"


@pytest.fixture
def kind() -> Iterator[ChangeKind]:
    """A change that always wants two people who look after single sign-on."""
    yield register_change(
        ChangeKind(
            key="test.brought", label="Try", permission=SSO, subject=None, apply=carried_out,
            state_of=lambda _target: "as it was",
        )
    )  # fmt: skip
    del _kinds["test.brought"]


@pytest.fixture
def other(tenant: TenantRef, owner: UserActor) -> UserActor:
    """A second owner; both have been here for a while."""
    second = person(tenant, Role.OWNER, "Olga Owner-Example")
    age()
    return actor_for(User.objects.get(pk=second.user_id))


def carried_out(approved: Approved) -> None:
    Group.objects.create(name="Carried out")


def age(by: timedelta = timedelta(days=9)) -> None:
    """Let everybody, and what they may do, be of an earlier day."""
    then = timezone.now() - by
    User.objects.update(created_at=then)
    RoleBinding.objects.update(created_at=then)
    GroupMembership.objects.update(created_at=then)
    CustomRole.objects.update(updated_at=then)


def propose(kind: ChangeKind, actor: UserActor) -> ProposedChange:
    made = hold_for_second_person(
        kind=kind, actor=actor_for(actor.user), arguments={}, diff=[DiffLine("a", "b", "c")]
    )
    assert made is not None
    return made


def check_nobody_new_agrees(kind: ChangeKind, owner: UserActor, puppet: UserActor) -> None:
    with pytest.raises(Forbidden) as caught:
        approve_change(change=propose(kind, owner), actor=actor_for(puppet.user))
    assert caught.value.code == "forbidden.came_after"
    assert not Group.objects.filter(name="Carried out").exists()


def test_who_was_let_in_a_moment_before_the_proposal_does_not_agree(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    check_nobody_new_agrees(kind, owner, person(tenant, Role.ADMIN, "Pia Puppet-Example"))


def test_who_was_given_the_role_a_moment_before_does_not_agree(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    puppet = person(tenant, Role.MEMBER, "Pia Puppet-Example")
    age()
    change_role(user=puppet.user, role=Role.ADMIN, actor=owner)
    check_nobody_new_agrees(kind, owner, puppet)


def test_who_joined_a_group_or_whose_role_grew_does_not_agree(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    joined = person(tenant, Role.MEMBER, "Jo Joined-Example")
    grown = person(tenant, Role.MEMBER, "Gus Grown-Example")
    admins = Group.objects.create(name="Admins")
    RoleBinding.objects.create(group=admins, role=Role.ADMIN)
    own = CustomRole.objects.create(name="Desk", codes=["tasks.view"])
    RoleBinding.objects.create(user=grown.user, role="", custom_role=own)
    age()
    add_member(group=admins, user=joined.user, actor=owner)
    change_custom_role(role=CustomRole.objects.get(pk=own.pk), codes=["tasks.view", SSO], actor=owner)
    check_nobody_new_agrees(kind, owner, joined)
    check_nobody_new_agrees(kind, owner, grown)


def test_somebody_new_may_say_no_and_the_others_yes(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    puppet = person(tenant, Role.ADMIN, "Pia Puppet-Example")
    assert refuse_change(change=propose(kind, owner), actor=puppet).state == ProposedChange.State.REFUSED
    assert approve_change(change=propose(kind, owner), actor=other).state == ProposedChange.State.APPLIED


def test_after_a_day_they_agree_like_anybody(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    later = person(tenant, Role.ADMIN, "Lea Later-Example")
    age(COOLING + timedelta(minutes=1))
    assert approve_change(change=propose(kind, owner), actor=later).state == ProposedChange.State.APPLIED


def test_where_nobody_has_been_here_longer_the_newcomer_agrees(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor
) -> None:
    """A company on its first day, and one whose only administrator has just brought a second in."""
    age()
    second = person(tenant, Role.OWNER, "Olga Owner-Example")
    assert approve_change(change=propose(kind, owner), actor=second).state == ProposedChange.State.APPLIED


def test_shutting_out_the_only_other_one_beside_a_newcomer_is_being_left_alone(
    tenant: TenantRef, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    puppet = person(tenant, Role.ADMIN, "Pia Puppet-Example")
    deactivate_user(user=other.user, actor=owner)
    check_nobody_new_agrees(kind, owner, puppet)
