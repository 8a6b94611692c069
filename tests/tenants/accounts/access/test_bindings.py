"""Giving and taking roles: only what one holds, where it holds, until it ends, and never the last owner."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, RoleSource, Scope, ScopeType, UserActor, can, can_somewhere
from tenants.accounts.access.bindings import Holder, grant_role, revoke_role
from tenants.accounts.access.custom_roles import (
    change_custom_role,
    create_custom_role,
    delete_custom_role,
)
from tenants.accounts.access.groups import add_member, create_group, delete_group, set_members
from tenants.accounts.models import Department, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.accounts.services import change_role, deactivate_user
from tenants.foundation.errors import Conflict, Forbidden, InvalidInput, NotFound
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_project, make_task
from tests.people import person


def of(actor: UserActor) -> Holder:
    return Holder("user", actor.user_id)


def again(actor: UserActor) -> UserActor:
    """The actor as the next request finds them."""
    return actor_for(User.objects.get(pk=actor.user_id))


def test_nobody_gives_more_than_they_hold(admin: UserActor, member: UserActor) -> None:
    with pytest.raises(Forbidden, match="up to your own"):
        grant_role(holder=of(member), role=Role.OWNER, actor=admin)
    assert grant_role(holder=of(member), role=Role.MANAGER, actor=admin).granted_by_id == admin.user_id


def test_nobody_decides_about_somebody_who_holds_more(admin: UserActor, owner: UserActor) -> None:
    with pytest.raises(Forbidden, match="higher than yours"):
        grant_role(holder=of(owner), role=Role.MEMBER, actor=admin)


def test_a_role_given_twice_is_one_binding_with_the_later_end(admin: UserActor, guest: UserActor) -> None:
    end = timezone.now() + timedelta(days=3)
    first = grant_role(holder=of(guest), role=Role.MEMBER, actor=admin)
    second = grant_role(holder=of(guest), role=Role.MEMBER, actor=admin, expires_at=end)
    assert (first.pk, second.expires_at) == (second.pk, end)


def test_what_is_taken_is_gone_with_the_next_request(admin: UserActor, guest: UserActor) -> None:
    binding = grant_role(holder=of(guest), role=Role.MANAGER, actor=admin)
    assert can(again(guest), "tasks.edit")
    revoke_role(binding=binding, actor=admin)
    assert not can(again(guest), "tasks.edit")
    revoke_role(binding=binding, actor=admin)  # nothing to do, no error


def test_a_role_that_has_run_out_allows_nothing(admin: UserActor, guest: UserActor) -> None:
    binding = grant_role(
        holder=of(guest), role=Role.MANAGER, actor=admin, expires_at=timezone.now() + timedelta(hours=1)
    )
    RoleBinding.objects.filter(pk=binding.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not can(again(guest), "tasks.edit")


@pytest.mark.parametrize("days", [0, -1])
def test_an_end_in_the_past_is_refused(admin: UserActor, guest: UserActor, days: int) -> None:
    with pytest.raises(InvalidInput):
        grant_role(
            holder=of(guest), role=Role.MEMBER, actor=admin, expires_at=timezone.now() + timedelta(days=days)
        )


def test_a_role_in_a_department_holds_there_only(admin: UserActor, guest: UserActor) -> None:
    ops, sales = make_department(), make_department()
    grant_role(holder=of(guest), role=Role.MEMBER, actor=admin, scope=Scope(ScopeType.DEPARTMENT, ops.pk))
    actor = again(guest)
    assert can_somewhere(actor, "tasks.edit")
    assert not can(actor, "tasks.edit")
    assert can(actor, "tasks.edit", on=make_task(department=ops))
    assert not can(actor, "tasks.edit", on=make_task(department=sales))
    # What holds for the company as a whole does not come with a part of it.
    assert not can_somewhere(actor, "accounts.view_users")


def test_a_part_of_the_company_has_to_be_there(admin: UserActor, guest: UserActor) -> None:
    with pytest.raises(InvalidInput, match="no such project"):
        grant_role(holder=of(guest), role=Role.MEMBER, actor=admin, scope=Scope(ScopeType.PROJECT, uuid4()))


def test_a_role_that_means_nothing_in_a_part_is_refused_there(admin: UserActor, guest: UserActor) -> None:
    project = make_project()
    with pytest.raises(InvalidInput, match="allows nothing"):
        grant_role(
            holder=of(guest), role=Role.SECURITY, actor=SYSTEM, scope=Scope(ScopeType.PROJECT, project.pk)
        )


def test_a_holder_has_to_be_there(admin: UserActor) -> None:
    for kind in ("user", "group", "department", "token"):
        with pytest.raises(NotFound):
            grant_role(holder=Holder(kind, uuid4()), role=Role.GUEST, actor=admin)


def test_a_group_brings_its_people_what_it_holds(admin: UserActor, guest: UserActor) -> None:
    group = create_group(name="Planners", actor=admin)
    grant_role(holder=Holder("group", group.pk), role=Role.MANAGER, actor=admin)
    add_member(group=group, user=guest.user, actor=admin)
    assert can(again(guest), "tasks.archive")
    set_members(group=group, user_ids=[], actor=admin)
    assert not can(again(guest), "tasks.archive")


def test_nobody_puts_people_into_a_group_that_holds_more_than_they(
    admin: UserActor, owner: UserActor, guest: UserActor
) -> None:
    group = create_group(name="Owners by group", actor=owner)
    grant_role(holder=Holder("group", group.pk), role=Role.OWNER, actor=owner)
    with pytest.raises(Forbidden):
        add_member(group=group, user=guest.user, actor=admin)
    with pytest.raises(Forbidden):
        delete_group(group=group, actor=admin)


def test_a_department_brings_its_people_what_it_holds(admin: UserActor, guest: UserActor) -> None:
    department: Department = make_department()
    grant_role(holder=Holder("department", department.pk), role=Role.MEMBER, actor=admin)
    User.objects.filter(pk=guest.user_id).update(department=department)
    assert can(again(guest), "tasks.create")


def test_the_last_owner_stays_whatever_else_there_is(owner: UserActor, tenant: TenantRef) -> None:
    second = person(tenant, Role.MEMBER, "Sam Second-Example")
    lasting = grant_role(holder=of(second), role=Role.OWNER, actor=owner)
    own = RoleBinding.objects.get(user=owner.user, role=Role.OWNER)
    revoke_role(binding=own, actor=SYSTEM)
    with pytest.raises(Conflict, match="at least one owner"):
        revoke_role(binding=lasting, actor=SYSTEM)
    with pytest.raises(Conflict, match="at least one owner"):
        change_role(user=second.user, role=Role.ADMIN, actor=SYSTEM)
    with pytest.raises(Conflict, match="at least one owner"):
        deactivate_user(user=second.user, actor=SYSTEM)


def test_an_owner_with_an_end_or_by_a_group_keeps_no_company(owner: UserActor, member: UserActor) -> None:
    soon = timezone.now() + timedelta(days=1)
    grant_role(holder=of(member), role=Role.OWNER, actor=owner, expires_at=soon)
    group = create_group(name="Board", actor=owner)
    grant_role(holder=Holder("group", group.pk), role=Role.OWNER, actor=owner)
    add_member(group=group, user=member.user, actor=owner)
    with pytest.raises(Conflict, match="at least one owner"):
        change_role(user=owner.user, role=Role.MEMBER, actor=SYSTEM)
    with pytest.raises(Conflict, match="at least one owner"):
        grant_role(holder=of(owner), role=Role.OWNER, actor=owner, expires_at=soon)


def test_whoever_looks_over_the_company_does_not_run_it(owner: UserActor, admin: UserActor) -> None:
    with pytest.raises(Conflict, match="stay apart"):
        grant_role(holder=of(admin), role=Role.AUDITOR, actor=owner)
    group = create_group(name="Auditors", actor=owner)
    grant_role(holder=Holder("group", group.pk), role=Role.AUDITOR, actor=owner)
    with pytest.raises(Conflict, match="stay apart"):
        add_member(group=group, user=admin.user, actor=owner)


def test_duties_may_not_meet_in_a_role_of_ones_own_nor_by_two(owner: UserActor, guest: UserActor) -> None:
    with pytest.raises(Conflict, match="One role cannot hold both"):
        create_custom_role(name="Both", codes=["accounts.manage_roles", "accounts.change_roles"], actor=owner)
    makes = create_custom_role(name="Makes roles", codes=["accounts.manage_roles"], actor=owner)
    gives = create_custom_role(name="Gives roles", codes=["accounts.change_roles"], actor=owner)
    grant_role(holder=of(guest), role=makes, actor=owner)
    with pytest.raises(Conflict, match="stay apart"):
        grant_role(holder=of(guest), role=gives, actor=owner)
    harmless = create_custom_role(name="Harmless", codes=["accounts.view_users"], actor=owner)
    grant_role(holder=of(guest), role=harmless, actor=owner)
    with pytest.raises(Conflict, match="stay apart"):
        change_custom_role(role=harmless, codes=["accounts.change_roles"], actor=owner)


def test_a_role_of_ones_own_allows_what_is_in_it_and_changes_for_all_at_once(
    owner: UserActor, guest: UserActor
) -> None:
    role = create_custom_role(name="Front desk", codes=["accounts.view_users"], actor=owner)
    grant_role(holder=of(guest), role=role, actor=owner)
    assert can(again(guest), "accounts.view_users")
    assert change_custom_role(role=role, codes=["tasks.view"], actor=owner).version == 2
    assert not can(again(guest), "accounts.view_users")
    assert can(again(guest), "tasks.view")
    with pytest.raises(Conflict, match="given 1 times"):
        delete_custom_role(role=role, actor=owner)


def test_a_role_of_ones_own_holds_nothing_its_maker_does_not(admin: UserActor) -> None:
    with pytest.raises(Forbidden):
        create_custom_role(name="Sells", codes=["company.delete"], actor=admin)


@pytest.mark.parametrize("codes", [[], ["tasks.fly"], ["platform.see_companies"]])
def test_a_role_of_what_is_not_there_is_refused(owner: UserActor, codes: list[str]) -> None:
    with pytest.raises(InvalidInput):
        create_custom_role(name="Odd", codes=codes, actor=owner)


@pytest.mark.parametrize("name", ["Owner", "admin", "auditor"])
def test_a_role_of_ones_own_has_a_name_of_its_own(owner: UserActor, name: str) -> None:
    with pytest.raises(Conflict):
        create_custom_role(name=name, codes=["tasks.view"], actor=owner)


def test_where_a_role_came_from_is_kept(guest: UserActor) -> None:
    binding = grant_role(holder=of(guest), role=Role.MEMBER, actor=SYSTEM, source=RoleSource.JIT)
    assert (binding.source, binding.granted_by_id) == ("jit", None)
