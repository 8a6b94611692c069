"""Roles in one department seen in lists, shares of groups, and which permissions were used when."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tenants.accounts.access import SYSTEM, Role, Scope, ScopeType, UserActor, can
from tenants.accounts.access.bindings import Holder, grant_role
from tenants.accounts.access.groups import add_member, create_group, remove_member
from tenants.accounts.access.recording import _known_uses
from tenants.accounts.access.reviewing import BindingRow, binding_rows
from tenants.accounts.models import PermissionUse, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_department, make_project, make_task
from tests.people import person, signed_in_client, token_client


@pytest.fixture
def stranger_here(tenant: TenantRef) -> UserActor:
    """Somebody without any role."""
    actor = person(tenant, Role.GUEST, "Nora Nothing-Example")
    RoleBinding.objects.filter(user=actor.user).delete()
    return actor_for(actor.user)


def keys(host: str, actor: UserActor) -> set[str]:
    browser = signed_in_client(host, actor_for(User.objects.get(pk=actor.user_id)))
    return {row["key"] for row in browser.get("/api/v1/tasks/").json()["results"]}


def test_whoever_has_a_role_in_one_department_lists_its_tasks_and_no_others(
    host: str, stranger_here: UserActor
) -> None:
    ours, other = make_department(), make_department()
    inside, outside = make_task(department=ours), make_task(department=other)
    scope = Scope(ScopeType.DEPARTMENT, ours.pk)
    grant_role(holder=Holder("user", stranger_here.user_id), role=Role.MANAGER, actor=SYSTEM, scope=scope)
    assert keys(host, stranger_here) == {inside.key}
    browser = signed_in_client(host, stranger_here)
    assert browser.get(f"/api/v1/tasks/{inside.key}/").status_code == 200
    assert browser.get(f"/api/v1/tasks/{outside.key}/").status_code == 404
    edit: dict[str, Any] = {"path": f"/api/v1/tasks/{inside.key}/", "content_type": "application/json"}
    assert browser.patch(data={"title": "Ours"}, **edit).status_code == 200
    page = browser.get("/tasks/").content.decode()
    assert inside.key in page
    assert outside.key not in page


def test_a_scoped_role_costs_a_list_no_query_more(
    host: str, stranger_here: UserActor, member: UserActor, tenant: TenantRef
) -> None:
    ours = make_department()
    for _ in range(3):
        make_task(department=ours)
    scope = Scope(ScopeType.DEPARTMENT, ours.pk)
    grant_role(holder=Holder("user", stranger_here.user_id), role=Role.MEMBER, actor=SYSTEM, scope=scope)
    counts = []
    for actor in (stranger_here, member):
        browser = signed_in_client(host, actor_for(User.objects.get(pk=actor.user_id)))
        browser.get("/api/v1/tasks/")
        with CaptureQueriesContext(connections[tenant.cell]) as queries:
            browser.get("/api/v1/tasks/")
        counts.append(len(queries))
    assert counts[0] <= counts[1]


def test_a_scope_is_left_when_the_binding_ends(host: str, stranger_here: UserActor) -> None:
    ours = make_department()
    make_task(department=ours)
    scope = Scope(ScopeType.DEPARTMENT, ours.pk)
    binding = grant_role(
        holder=Holder("user", stranger_here.user_id), role=Role.MEMBER, actor=SYSTEM, scope=scope
    )
    assert len(keys(host, stranger_here)) == 1
    RoleBinding.objects.filter(pk=binding.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    browser = signed_in_client(host, actor_for(User.objects.get(pk=stranger_here.user_id)))
    assert browser.get("/api/v1/tasks/").status_code in {403, 404}


def test_what_is_shared_with_a_group_is_for_those_in_it_as_long_as_they_are(
    host: str, owner: UserActor, guest: UserActor
) -> None:
    group = create_group(name="Auditing firm", actor=SYSTEM)
    project = make_project()
    inside, outside = make_task(project=project), make_task()
    body = {"group_id": str(group.pk), "permissions": ["tasks.comment"]}
    giver = token_client(host, owner)
    assert giver.post(f"/api/v1/projects/{project.pk}/shares/", body, format="json").status_code == 201
    assert not can(guest, "tasks.view", on=inside)
    add_member(group=group, user=guest.user, actor=SYSTEM)
    now = actor_for(guest.user)
    assert can(now, "tasks.comment", on=inside)
    assert not can(now, "tasks.comment", on=outside)
    assert not can(now, "tasks.edit", on=inside)
    remove_member(group=group, user=guest.user, actor=SYSTEM)
    assert not can(actor_for(guest.user), "tasks.view", on=inside)


# --- which permissions were used


@pytest.fixture
def noting(settings: LazySettings) -> None:
    settings.ACCESS_NOTES_USES = True
    _known_uses.clear()


@pytest.mark.usefixtures("noting")
def test_a_use_is_written_once_a_day_and_a_refusal_is_none(host: str, member: UserActor) -> None:
    browser = signed_in_client(host, member)
    for _ in range(2):
        assert browser.get("/api/v1/tasks/").status_code == 200
    assert browser.get("/api/v1/roles/").status_code == 403
    rows = PermissionUse.objects.filter(user=member.user)
    assert rows.filter(permission="tasks.view").count() == 1
    assert not rows.filter(permission="accounts.view_access").exists()


@pytest.mark.usefixtures("noting")
def test_the_next_day_the_row_is_brought_up_to_date(host: str, member: UserActor) -> None:
    browser = signed_in_client(host, member)
    browser.get("/api/v1/tasks/")
    yesterday = timezone.now().date() - timedelta(days=1)
    PermissionUse.objects.update(last_on=yesterday)
    _known_uses.clear()  # what the process remembered of yesterday
    browser.get("/api/v1/tasks/")
    assert PermissionUse.objects.get(user=member.user, permission="tasks.view").last_on > yesterday


def row_of(whom: UserActor, reviewer: UserActor) -> BindingRow:
    rows = binding_rows(actor=reviewer, may_change=False)
    return next(each for each in rows if each.binding.user_id == whom.user_id)


def test_a_review_says_how_much_of_an_old_role_was_not_used(member: UserActor, admin: UserActor) -> None:
    long_ago = timezone.now() - timedelta(days=200)
    RoleBinding.objects.filter(user=member.user).update(created_at=long_ago)
    row = row_of(member, admin)
    assert row.unused == row.of_codes > 3
    PermissionUse.objects.create(user=member.user, permission="tasks.view", last_on=timezone.now().date())
    PermissionUse.objects.create(user=member.user, permission="tasks.edit", last_on=long_ago.date())
    row = row_of(member, admin)
    assert row.unused == row.of_codes - 1
