"""Every route by a role for one department or one project alone: open about what is there, nowhere else."""

from functools import partial

import pytest

from tasks.models import Milestone, Project, Task
from tenants.accounts.access import Role, UserActor, codes_of
from tenants.accounts.access.catalogue import is_scoped
from tenants.accounts.models import Department, RoleBinding, User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef
from tests.architecture.asking import DENIED, answers, is_turned_away
from tests.architecture.routes import TABLE, Route
from tests.architecture.test_route_permissions import ANYBODY, ONE_OF, UNNAMED, wanted_by
from tests.architecture.things import Things, things_of, waiting_for
from tests.factories.tasks import make_task
from tests.people import person, signed_in_client

# Routes of what holds for a part that want it for the whole company, or have a word of their own for what is elsewhere.
WHOLE: dict[str, list[str]] = TABLE["parts"]["whole"]
DEPARTMENT: dict[str, list[str]] = TABLE["parts"]["department"]
# What names the task or project a route is about; what names neither is about whatever the asker may see.
NAMING = {"key", "project_id", "milestone_id", "approval_id"}
NAMED_BY_ID = {
    "project-detail", "project-shares", "project-milestone-list", "milestone-detail", "approval-detail",
    "approval-answer", "approval-withdraw",
}  # fmt: skip


def is_asked(where: str, route: Route, method: str) -> bool:
    """Everything that asks for permissions; of what is elsewhere, only routes that name a task or project."""
    if route.methods[method] in UNNAMED or wanted_by(route, method) == ANYBODY:
        return False
    return where == "here" or bool(NAMING & set(route.arguments)) or route.name in NAMED_BY_ID


@pytest.fixture
def elsewhere(tenant: TenantRef) -> Things:
    """Things in no department and in another project."""
    return things_of(tenant)


@pytest.fixture
def department(tenant: TenantRef) -> Department:
    return Department.objects.create(name="North hall", key="NORTH")


@pytest.fixture
def here(elsewhere: Things, department: Department) -> Things:
    """The same, but for a task and a project of the part."""
    project = Project.objects.create(name="North project", key="NOR", department=department)
    task = make_task(title="In the north", project=project, department=department, key_prefix="NOR")
    milestone = Milestone.objects.create(project=project, name="Done")
    return Things(
        elsewhere.ids
        | {"key": task.key, "task_id": task.pk, "project_id": project.pk, "milestone_id": milestone.pk}
    )


@pytest.fixture(params=["department", "project"])
def manager_of_a_part(
    request: pytest.FixtureRequest, tenant: TenantRef, department: Department, here: Things
) -> UserActor:
    """Somebody who manages one department or one project and holds nothing else."""
    actor = person(tenant, Role.MEMBER, "Petra Part-Example")
    where = {"department": department.pk, "project": here.ids["project_id"]}[request.param]
    RoleBinding.objects.filter(user=actor.user).update(
        role=Role.MANAGER, scope_type=request.param, scope_id=where
    )
    return actor_for(actor.user)


def test_a_role_for_a_part_opens_what_is_in_it_and_nothing_else(
    manager_of_a_part: UserActor, host: str, here: Things, elsewhere: Things
) -> None:
    held = {code for code in codes_of(Role.MANAGER) if is_scoped(code)}
    client, owner = signed_in_client(host, manager_of_a_part), User.objects.get(pk=here.ids["owner_id"])
    waiting = waiting_for(manager_of_a_part.user, owner, Task.objects.get(pk=here.ids["task_id"]))
    is_of_project = RoleBinding.objects.get(user=manager_of_a_part.user).scope_type == "project"
    shut = WHOLE | (DEPARTMENT if is_of_project else {})
    wrong = []
    for where, things in (("here", Things(here.ids | waiting)), ("elsewhere", elsewhere)):
        chosen = partial(is_asked, where)
        for route, method, _lowest, answer in answers(client, things, only=chosen):
            wanted = wanted_by(route, method)
            may = (
                wanted != ONE_OF
                and set(wanted.split()) <= held
                and method not in shut.get(route.name, ())
                and where == "here"
            )
            is_in = not is_turned_away(route, answer) and answer.status_code not in {401, 403, 404, 500}
            if is_in is not may or (not may and answer.status_code not in DENIED):
                wrong.append((where, route.name, method, wanted, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))
