"""Whoever takes the others' roles away does not find themselves alone with what wants two people, for a day."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, UserActor
from tenants.accounts.access.bindings import Holder, grant_role, revoke_role
from tenants.accounts.access.change_notices import send_change_letters
from tenants.accounts.access.changes import Approved, ChangeKind, DiffLine, _kinds, register_change
from tenants.accounts.access.custom_roles import change_custom_role
from tenants.accounts.access.deciding import approve_change
from tenants.accounts.access.groups import remove_member
from tenants.accounts.access.left_alone import COOLING, LEFT_ALONE, AloneTooSoon, left_alone
from tenants.accounts.access.proposals import hold_for_second_person
from tenants.accounts.access.second_person import check_may_alone
from tenants.accounts.models import CustomRole, Group, GroupMembership, ProposedChange, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, deactivate_user
from tenants.foundation.errors import Forbidden
from tenants.tenancy import TenantRef
from tests.people import person

SSO = "accounts.manage_sso"


def rename(approved: Approved) -> None:
    Group.objects.create(name="Carried out")


@pytest.fixture
def kind() -> Iterator[ChangeKind]:
    """A change that always wants two people who look after single sign-on."""
    yield register_change(
        ChangeKind(
            key="test.alone", label="Try", permission=SSO, subject=None, apply=rename,
            state_of=lambda _target: "as it was",
        )
    )  # fmt: skip
    del _kinds["test.alone"]


@pytest.fixture
def other(tenant: TenantRef, owner: UserActor) -> UserActor:
    """The second owner, here for a while like the first."""
    second = person(tenant, Role.OWNER, "Olga Owner-Example")
    User.objects.update(created_at=timezone.now() - timedelta(days=9))
    return actor_for(User.objects.get(pk=second.user_id))


def propose(kind: ChangeKind, actor: UserActor) -> ProposedChange | None:
    return hold_for_second_person(
        kind=kind, actor=actor_for(actor.user), arguments={}, diff=[DiffLine("a", "b", "c")]
    )


def demoted(other: User, by: UserActor) -> None:
    change_role(user=other, role=Role.MEMBER, actor=by)


def deactivated(other: User, by: UserActor) -> None:
    deactivate_user(user=other, actor=by)


def revoked(other: User, by: UserActor) -> None:
    revoke_role(binding=RoleBinding.objects.get(user=other), actor=by)


def given_an_end(other: User, by: UserActor) -> None:
    """The role goes by itself in a minute: nobody takes it away."""
    grant_role(
        holder=Holder("user", other.pk), role=Role.OWNER, actor=by,
        expires_at=timezone.now() + timedelta(minutes=1), agreed=True,
    )  # fmt: skip


def taken_from_the_group(other: User, by: UserActor) -> None:
    group = Group.objects.create(name="Looking after sign-in")
    GroupMembership.objects.create(group=group, user=other)
    RoleBinding.objects.filter(user=other).delete()
    RoleBinding.objects.create(group=group, role=Role.ADMIN)
    remove_member(group=group, user=other, actor=by)


def emptied_custom_role(other: User, by: UserActor) -> None:
    """A role of the company's own with all there is counts like the one built in."""
    role = CustomRole.objects.create(name="Everything", codes=sorted(by.codes))
    RoleBinding.objects.filter(user=other).update(role="", custom_role=role)
    change_custom_role(role=role, codes=["tasks.view"], actor=by)


WAYS: dict[str, Callable[[User, UserActor], None]] = {
    "demoted": demoted,
    "deactivated": deactivated,
    "role taken": revoked,
    "role given an end": given_an_end,
    "taken out of the group": taken_from_the_group,
    "custom role emptied": emptied_custom_role,
}


@pytest.mark.parametrize("way", WAYS)
def test_whoever_takes_the_other_ones_role_away_changes_nothing_alone_for_a_day(
    way: str, kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    WAYS[way](other.user, owner)
    if way == "role given an end":
        RoleBinding.objects.filter(user=other.user).update(expires_at=timezone.now())
    with pytest.raises(AloneTooSoon) as refused:
        propose(kind, owner)
    assert refused.value.params["until"]
    with pytest.raises(AloneTooSoon):
        check_may_alone(kind, actor_for(owner.user))
    assert not ProposedChange.objects.filter(kind=kind.key).exists()


def test_after_a_day_it_is_made_at_once_and_written_down_as_made_alone(
    kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    demoted(other.user, owner)
    a_day_goes_by()
    assert propose(kind, owner) is None
    assert ProposedChange.objects.get(kind=kind.key).is_alone


def test_somebody_new_does_not_agree_before(
    kind: ChangeKind, owner: UserActor, other: UserActor, tenant: TenantRef
) -> None:
    """Else one would bring one's own second person."""
    puppet = person(tenant, Role.MEMBER, "Paula Puppet-Example")
    User.objects.filter(pk=puppet.user_id).update(created_at=timezone.now() - timedelta(days=9))
    demoted(other.user, owner)
    change_role(user=User.objects.get(pk=puppet.user_id), role=Role.ADMIN, actor=owner)
    waiting = propose(kind, owner)
    assert waiting is not None
    second = actor_for(User.objects.get(pk=puppet.user_id))
    with pytest.raises(Forbidden, match="who could before"):
        approve_change(change=waiting, actor=second)
    a_day_goes_by()
    approve_change(change=waiting, actor=second)
    assert Group.objects.filter(name="Carried out").exists()


def test_whoever_could_before_agrees_when_they_have_their_role_back(
    kind: ChangeKind, owner: UserActor, other: UserActor
) -> None:
    demoted(other.user, owner)
    change_role(user=other.user, role=Role.ADMIN, actor=SYSTEM)
    waiting = propose(kind, owner)
    assert waiting is not None
    approve_change(change=waiting, actor=actor_for(User.objects.get(pk=other.user_id)))
    assert Group.objects.filter(name="Carried out").exists()


def test_nothing_waits_where_somebody_was_alone_all_along_or_others_stay(
    kind: ChangeKind, owner: UserActor, other: UserActor, tenant: TenantRef
) -> None:
    third = person(tenant, Role.OWNER, "Theo Third-Example")
    demoted(other.user, owner)
    assert left_alone(SSO) is None
    change_role(user=third.user, role=Role.MEMBER, actor=owner)
    assert left_alone(SSO) is not None
    a_day_goes_by()
    change_role(user=third.user, role=Role.GUEST, actor=owner)
    assert left_alone(SSO) is None


def test_everybody_concerned_gets_a_letter_also_who_was_shut_out(owner: UserActor, other: UserActor) -> None:
    deactivated(other.user, owner)
    row = ProposedChange.objects.get(kind=LEFT_ALONE.key, arguments__permission=SSO)
    send_change_letters(row.pk)
    assert {address for letter in mail.outbox for address in letter.to} == {
        owner.user.email,
        other.user.email,
    }
    text = str(mail.outbox[0].body)
    assert owner.name in text
    assert other.name in text


def test_it_stands_among_the_changes_decided_lately(owner: UserActor, other: UserActor, console: Any) -> None:
    deactivated(other.user, owner)
    page = console.get("/settings/changes/").content.decode()
    assert "Only one person left who may" in page
    row = ProposedChange.objects.get(kind=LEFT_ALONE.key, arguments__permission=SSO)
    shown = console.get(f"/settings/changes/{row.pk}/").content.decode()
    assert other.name in shown
    assert console.post(f"/settings/changes/{row.pk}/approve/").status_code == 409


def a_day_goes_by() -> None:
    ProposedChange.objects.filter(kind=LEFT_ALONE.key).update(proposed_at=timezone.now() - COOLING)
