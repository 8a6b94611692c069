"""Whoever's role changes is signed out everywhere, in the same transaction; nobody else is."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, Scope, ScopeType, UserActor
from tenants.accounts.access.bindings import Holder, grant_role, revoke_role
from tenants.accounts.access.custom_roles import change_custom_role, create_custom_role
from tenants.accounts.access.groups import add_member, create_group, delete_group, remove_member
from tenants.accounts.models import Group, UserSession
from tenants.foundation.errors import Conflict
from tests.factories.tasks import make_department
from tests.people import signed_in_client


def is_in(client: Client) -> bool:
    return client.get("/settings/preferences/").status_code == 200


@pytest.fixture
def browser(member: UserActor, host: str) -> Client:
    client = signed_in_client(host, member)
    assert is_in(client)
    return client


@pytest.fixture
def group(member: UserActor) -> Group:
    made = create_group(name="Night shift", actor=SYSTEM)
    add_member(group=made, user=member.user, actor=SYSTEM)
    return made


def test_a_role_given_signs_out(browser: Client, member: UserActor, owner: UserActor, host: str) -> None:
    bystander = signed_in_client(host, owner)
    grant_role(holder=Holder("user", member.user_id), role=Role.MANAGER, actor=owner)
    assert not is_in(browser)
    assert is_in(bystander)
    assert UserSession.objects.get(user=member.user).ended_because == "role"


def test_a_role_taken_signs_out(member: UserActor, owner: UserActor, host: str) -> None:
    binding = grant_role(holder=Holder("user", member.user_id), role=Role.MANAGER, actor=owner)
    browser = signed_in_client(host, member)
    revoke_role(binding=binding, actor=owner)
    assert not is_in(browser)


def test_another_end_of_a_role_one_has_signs_nobody_out(
    member: UserActor, owner: UserActor, host: str
) -> None:
    holder = Holder("user", member.user_id)
    grant_role(holder=holder, role=Role.MANAGER, actor=owner)
    browser = signed_in_client(host, member)
    end = timezone.now() + timedelta(days=1)
    grant_role(holder=holder, role=Role.MANAGER, actor=owner, expires_at=end)
    assert is_in(browser)


def test_a_role_of_ones_group_signs_out_those_in_it(
    browser: Client, group: Group, owner: UserActor, host: str
) -> None:
    bystander = signed_in_client(host, owner)
    grant_role(holder=Holder("group", group.pk), role=Role.MANAGER, actor=owner)
    assert not is_in(browser)
    assert is_in(bystander)


def test_a_role_of_a_department_in_a_part_signs_out_too(
    member: UserActor, owner: UserActor, host: str
) -> None:
    department = make_department(name="Quality")
    member.user.department = department
    member.user.save()
    browser = signed_in_client(host, member)
    scope = Scope(ScopeType.DEPARTMENT, department.pk)
    grant_role(holder=Holder("department", department.pk), role=Role.MANAGER, actor=owner, scope=scope)
    assert not is_in(browser)


def test_joining_and_leaving_a_group_without_roles_signs_nobody_out(
    browser: Client, group: Group, member: UserActor
) -> None:
    remove_member(group=group, user=member.user, actor=SYSTEM)
    add_member(group=group, user=member.user, actor=SYSTEM)
    assert is_in(browser)


def test_joining_leaving_and_deleting_a_group_with_roles_signs_out(
    group: Group, member: UserActor, owner: UserActor, host: str
) -> None:
    grant_role(holder=Holder("group", group.pk), role=Role.MANAGER, actor=owner)
    stays = signed_in_client(host, member)
    add_member(group=group, user=owner.user, actor=SYSTEM)
    assert is_in(stays), "who was in it before is not concerned"
    remove_member(group=group, user=member.user, actor=SYSTEM)
    assert not is_in(stays)
    add_member(group=group, user=member.user, actor=SYSTEM)
    again = signed_in_client(host, member)
    delete_group(group=group, actor=SYSTEM)
    assert not is_in(again)


def test_a_role_of_the_companys_own_that_allows_something_else_signs_out_and_a_new_name_does_not(
    member: UserActor, owner: UserActor, host: str
) -> None:
    role = create_custom_role(name="Reader", codes=["tasks.view"], actor=owner)
    grant_role(holder=Holder("user", member.user_id), role=role, actor=owner)
    browser = signed_in_client(host, member)
    change_custom_role(role=role, name="Looker", actor=owner)
    assert is_in(browser)
    change_custom_role(role=role, codes=["tasks.view", "tasks.comment"], actor=owner)
    assert not is_in(browser)


def test_what_is_refused_signs_nobody_out(browser: Client, member: UserActor, owner: UserActor) -> None:
    grant_role(holder=Holder("user", owner.user_id), role=Role.MEMBER, actor=SYSTEM)
    with pytest.raises(Conflict):
        grant_role(holder=Holder("user", owner.user_id), role=Role.AUDITOR, actor=owner)
    assert is_in(browser)
