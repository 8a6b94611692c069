"""Ways round the second person for a new owner: groups that own, and who joins one while it waits."""

import pytest

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.changes import Subject
from tenants.accounts.access.deciding import approve_change
from tenants.accounts.access.groups import add_member, create_group, remove_member
from tenants.accounts.access.owner_grants import give_role
from tenants.accounts.access.second_person import SecondPersonNeeded
from tenants.accounts.models import AccessPolicy, Group, ProposedChange, RoleBinding
from tenants.accounts.selectors import actor_for
from tenants.foundation.errors import Conflict
from tenants.tenancy import TenantRef
from tests.people import person


@pytest.fixture
def second(tenant: TenantRef) -> UserActor:
    return person(tenant, Role.OWNER, "Olga Owner-Example")


@pytest.fixture
def two_for_owners(tenant: TenantRef) -> AccessPolicy:
    return AccessPolicy.objects.create(two_people_for=[Subject.OWNERS.value])


@pytest.fixture
def owning_group(owner: UserActor) -> Group:
    """A group that owns the company already."""
    group = create_group(name="The board", actor=SYSTEM)
    RoleBinding.objects.create(group=group, role=Role.OWNER)
    return group


def test_nobody_joins_a_group_that_owns_by_the_word_of_one(
    two_for_owners: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor, owning_group: Group
) -> None:
    with pytest.raises(SecondPersonNeeded):
        add_member(group=owning_group, user=member.user, actor=owner)
    assert Role.OWNER not in actor_for(member.user).roles


def test_who_owns_in_their_own_name_joins_and_everybody_leaves_freely(
    two_for_owners: AccessPolicy, owner: UserActor, second: UserActor, owning_group: Group
) -> None:
    add_member(group=owning_group, user=second.user, actor=owner)
    remove_member(group=owning_group, user=second.user, actor=owner)
    assert not owning_group.memberships.exists()


def test_one_person_fills_an_owning_group_where_one_is_enough(
    owner: UserActor, second: UserActor, member: UserActor, owning_group: Group
) -> None:
    add_member(group=owning_group, user=member.user, actor=owner)
    assert Role.OWNER in actor_for(member.user).roles


def test_who_joins_a_group_while_it_waits_makes_the_proposal_stale(
    two_for_owners: AccessPolicy, owner: UserActor, second: UserActor, admin: UserActor, member: UserActor
) -> None:
    """Before it owns, whoever manages groups may fill it: the second person agrees to whom they saw."""
    group = create_group(name="The board", actor=owner)
    waiting = give_role(holder=Holder("group", group.pk), role=Role.OWNER, actor=owner)
    assert isinstance(waiting, ProposedChange)
    add_member(group=group, user=member.user, actor=admin)
    with pytest.raises(Conflict, match="has changed since"):
        approve_change(change=waiting, actor=second)
    assert Role.OWNER not in actor_for(member.user).roles


def test_the_second_person_reads_who_is_in_the_group(
    two_for_owners: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor
) -> None:
    group = create_group(name="The board", actor=owner)
    add_member(group=group, user=member.user, actor=owner)
    waiting = give_role(holder=Holder("group", group.pk), role=Role.OWNER, actor=owner)
    assert isinstance(waiting, ProposedChange)
    assert any(member.user.name in line["field"] for line in waiting.diff)
    approve_change(change=waiting, actor=second)
    assert Role.OWNER in actor_for(member.user).roles


def test_an_owner_with_an_end_is_not_made_one_for_good_alone(
    two_for_owners: AccessPolicy, owner: UserActor, second: UserActor, member: UserActor
) -> None:
    with pytest.raises(SecondPersonNeeded):
        grant_role(holder=Holder("user", member.user_id), role=Role.OWNER, actor=owner)
