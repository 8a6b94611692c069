"""Who can answer, asked of many people at once: it has to say what `can` says of each."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks.approvals.able import people_who_may_approve
from tasks.models import Project, Task
from tasks.sharing import share
from tenants.accounts.access import Role, ScopeType, UserActor, can
from tenants.accounts.models import CustomRole, Department, Group, GroupMembership, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.factories.tasks import make_project, make_task
from tests.people import person


@pytest.fixture
def project(tenant: TenantRef) -> Project:
    return make_project(name="Depot")


@pytest.fixture
def task(project: Project) -> Task:
    return make_task(title="Foundation of the depot", project=project)


@pytest.fixture
def people(tenant: TenantRef, task: Task, project: Project, owner: UserActor) -> None:
    """Everybody by another way, and next to each way somebody it does not reach."""
    for role in Role:
        if role is not Role.OWNER:
            person(tenant, role, f"{role.value.capitalize()} Role-Example")
    guests = {
        name: person(tenant, Role.GUEST, f"{name} Way-Example").user
        for name in (
            "task", "seen", "over", "project", "group", "scope", "elsewhere", "custom", "ended", "gone", "unbound",
            "department",
        )
    }  # fmt: skip
    share(thing=task, holder=guests["task"], codes=["tasks.approve"], actor=owner)
    share(thing=task, holder=guests["seen"], codes=["tasks.comment"], actor=owner)
    soon = timezone.now() + timedelta(hours=1)
    share(thing=task, holder=guests["over"], codes=["tasks.approve"], actor=owner, expires_at=soon)
    share(thing=project, holder=guests["project"], codes=["tasks.approve"], actor=owner)
    share(thing=task, holder=guests["unbound"], codes=["tasks.approve"], actor=owner)
    RoleBinding.objects.filter(user=guests["unbound"]).delete()
    share(thing=task, holder=guests["gone"], codes=["tasks.approve"], actor=owner)
    User.objects.filter(pk=guests["gone"].pk).update(is_active=False)
    group = Group.objects.create(name="Clients")
    GroupMembership.objects.create(group=group, user=guests["group"])
    share(thing=project, holder=group, codes=["tasks.approve"], actor=owner)
    custom = CustomRole.objects.create(name="Approvers", codes=["tasks.approve"])
    department = Department.objects.create(name="Yard", key="YRD")
    User.objects.filter(pk=guests["department"].pk).update(department=department)
    RoleBinding.objects.create(department=department, custom_role=custom)
    of_project = {"scope_type": ScopeType.PROJECT, "scope_id": project.pk}
    RoleBinding.objects.create(user=guests["scope"], role=Role.MEMBER, **of_project)
    other = {"scope_type": ScopeType.PROJECT, "scope_id": make_project(name="Other").pk}
    RoleBinding.objects.create(user=guests["elsewhere"], role=Role.MEMBER, **other)
    RoleBinding.objects.create(user=guests["custom"], custom_role=custom)
    past = timezone.now() - timedelta(minutes=1)
    RoleBinding.objects.create(user=guests["ended"], role=Role.MEMBER, expires_at=past)


@pytest.mark.parametrize("which", ["task", "project"])
@pytest.mark.usefixtures("people")
def test_it_says_of_everybody_what_the_check_says(task: Task, project: Project, which: str) -> None:
    thing = task if which == "task" else project
    expected = {each.name for each in User.objects.all() if can(actor_for(each), "tasks.approve", thing)}
    found = [each.name for each in people_who_may_approve(thing)]
    assert sorted(found) == sorted(expected)
    ways = {"project", "group", "scope", "custom", "department"} | (
        {"task", "over"} if which == "task" else set()
    )
    assert {name.split()[0] for name in found if name.endswith("Way-Example")} == ways
