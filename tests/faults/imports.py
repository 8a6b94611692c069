"""An import as the tests of faults look at it: a workspace worth reading, and what has to be here afterwards."""

from dataclasses import dataclass
from typing import Any

from integrations.models import Connection, ExternalLink, SyncRun
from integrations.services import connect_workspace
from integrations.sync.services import confirm_proposals, discover_collections
from tasks.models import Person, Project, Task, TaskAssignee, TaskDependency
from tenants.accounts.access import SYSTEM
from tenants.dispatch.leases import cell_transaction
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tests.factories.notion import NotionWorkspace

STATUSES, PRIORITIES = ("Backlog", "Doing", "In review", "Shipped"), ("P0", "P1", "P2", None)


def busy_workspace(rows: int, *, name: str = "Under Fire") -> NotionWorkspace:
    """A workspace of `rows` tasks with projects, people, dates, tags, parents and blockers."""
    workspace = NotionWorkspace(name=name, token=f"ntn_{name.replace(' ', '_').lower()}")
    projects = [workspace.add_project(f"Project {number}") for number in range(3)]
    tasks: list[str] = []
    for number in range(rows):
        tasks.append(
            workspace.add_task(
                f"Inspect turbine {number}",
                status=STATUSES[number % 4],
                priority=PRIORITIES[number % 4],
                assignees=[number % 3],
                due={"start": f"2026-05-{1 + number % 28:02}", "end": None, "time_zone": None},
                estimate=number % 9,
                tags=[f"tag {number % 7}", f"tag {number % 5}"] if number % 5 != number % 7 else [],
                project=projects[number % 3],
                parent=tasks[number // 2] if number % 10 == 1 else None,
                blocked_by=tasks[number - 3 : number - 1] if number % 6 == 5 else [],
            )
        )
    return workspace


@dataclass(frozen=True)
class Content:
    """Everything an import brought, told by remote ids, so that two companies can be compared."""

    tasks: dict[str, tuple[Any, ...]]
    assignees: list[tuple[str, str]]
    dependencies: list[tuple[str, str]]
    projects: list[str]
    people: list[str]
    links: int


def content_of(tenant: TenantRef) -> Content:
    """What the company holds now; a task or link there twice is an error. Raises: AssertionError."""
    link = "external_links__remote_id"
    with tenant_scope(tenant), atomic():
        rows = list(
            Task.objects.values_list(
                link, "title", "status", "priority", "due_on", "estimate_hours", "tags", "project__name",
                f"parent__{link}",
            )
        )  # fmt: skip
        assert len({row[0] for row in rows}) == len(rows) == Task.objects.count(), "a task is there twice"
        return Content(
            tasks={row[0]: (*row[1:6], sorted(row[6]), *row[7:]) for row in rows},
            assignees=sorted(TaskAssignee.objects.values_list(f"task__{link}", "person__name")),
            dependencies=sorted(TaskDependency.objects.values_list(f"task__{link}", f"depends_on__{link}")),
            projects=sorted(Project.objects.values_list("name", flat=True)),
            people=sorted(Person.objects.values_list("name", flat=True)),
            links=ExternalLink.objects.count(),
        )


def connect(tenant: TenantRef, token: str) -> Connection:
    """Connect the company and confirm what is proposed: its first import is asked for."""
    with tenant_scope(tenant):
        connection = connect_workspace(token=token, actor=SYSTEM, requests_per_minute=None)
        discover_collections(connection=connection, actor=SYSTEM)
        with atomic():
            confirm_proposals(connection=connection, actor=SYSTEM)
    return connection


def tasks_in(tenant: TenantRef) -> int:
    """How many tasks the company has."""
    with tenant_scope(tenant), atomic():
        return Task.objects.count()


def import_of(tenant: TenantRef) -> SyncRun:
    """The company's one import."""
    with tenant_scope(tenant), atomic():
        return SyncRun.objects.get(kind=SyncRun.Kind.IMPORT)


def connection_of(tenant: TenantRef) -> Connection:
    """The company's one connection."""
    with tenant_scope(tenant), atomic():
        return Connection.objects.get()


def let_a_minute_pass(tenant: TenantRef) -> None:
    """End the leases of workers that are gone, as their time would; the sweeper has to find them."""
    with cell_transaction(tenant.cell) as cursor:
        cursor.execute(
            "UPDATE tenants_workitem SET lease_expires_at = statement_timestamp() - interval '1 s'"
            " WHERE tenant_id = %s AND state = 'running'",
            [tenant.id],
        )
    with tenant_scope(tenant), atomic():
        Connection.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
