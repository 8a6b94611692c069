"""The API's description, held against the application, and a company with a little of everything in it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import redis
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.test import override_settings
from drf_spectacular.generators import SchemaGenerator
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.case import Case
from schemathesis.schemas import BaseSchema

from integrations.models import SyncedCollection, SyncRun
from integrations.registry import close_connections
from integrations.sandbox.notion.sandbox import Sandbox
from integrations.services import connect_workspace, start_sync_run
from integrations.sync.services import confirm_proposals, discover_collections
from tenants.accounts.access import SYSTEM
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.accounts.tokens.services import create_api_token
from tenants.lifecycle.export.keeping import remove_all_archives
from tenants.lifecycle.export.services import begin_export
from tenants.lifecycle.operations import run_operation
from tenants.tenancy import TenantRef
from tenants.tenancy.directory import directory
from tests.factories.notion import NotionWorkspace
from tests.factories.tasks import make_department, make_person, make_project, make_task
from tests.fakes.dispatch import run_due_work
from tests.fakes.notion_sandbox import running_sandbox

type AnyCase = Case[Any]


def described_api(*, examples: int) -> BaseSchema:
    """What the generated tests read: our own description, and our application beside it."""
    config = SchemathesisConfig()
    config.projects.default.generation.update(
        max_examples=examples,
        deterministic=True,
        # JSON Schema has no word for "no NUL": such bodies are refused (400), which has a test of its own.
        allow_x00=False,
    )
    description = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    schema = schemathesis.openapi.from_dict(description, config=config)
    schema.app = get_wsgi_application()
    return schema


@dataclass(frozen=True)
class World:
    """One company's rows, by what the API calls them, and a token of its owner."""

    tenant: TenantRef
    token: str
    ids: dict[str, list[str]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_turns", {name: cycle(ids) for name, ids in self.ids.items()})

    def one(self, name: str) -> str:
        """The next row of a kind, in turn."""
        return str(next(self._turns[name]))  # type: ignore[attr-defined]


@contextmanager
def furnished(tenant: TenantRef) -> Iterator[World]:
    """A company with tasks, projects, people, and a workspace that was read; its scope must be open."""
    with ExitStack() as stack:
        redis.Redis.from_url(settings.REDIS_URL).flushdb()
        sandbox = Sandbox(budget=None)
        stack.callback(sandbox.close)
        running = stack.enter_context(running_sandbox(sandbox=sandbox))
        for signal in (request_started, request_finished):
            # As Django's own test client does: the connections with the rows to be undone stay open.
            signal.disconnect(close_old_connections)
            stack.callback(signal.connect, close_old_connections)
        stack.enter_context(override_settings(NOTION_BASE_URL=running.base_url))
        stack.callback(close_connections)
        workspace = NotionWorkspace()
        workspace.add_tasks(3, priority="P1", assignees=[0], tags=["ice"], estimate=1.5)
        workspace.into(sandbox)
        connection = connect_workspace(token=workspace.token, actor=SYSTEM, requests_per_minute=None)
        discover_collections(connection=connection, actor=SYSTEM)
        confirm_proposals(connection=connection, actor=SYSTEM)
        run_due_work(tenant)
        start_sync_run(connection=connection, actor=SYSTEM)
        person, department, project = make_person(), make_department(), make_project()
        tasks = [
            make_task(department=department, project=project, assignees=[person], due_on="2026-01-31"),
            make_task(status="done", tags=["ice", "salt"]),
            make_task(archived_at="2026-02-01T00:00:00Z"),
        ]
        tasks.append(make_task(depends_on=[tasks[0]], parent=tasks[0]))
        owner = actor_for(User.objects.get(email=f"owner@{tenant.slug}.example"))
        export = run_operation(begin_export(tenant_id=tenant.id, asked_by="Generated tests").pk)
        stack.callback(remove_all_archives, tenant.id)
        issued = create_api_token(actor=owner, name="Generated tests", scopes=sorted(owner.codes))
        yield World(
            tenant,
            issued.token.reveal(),
            {
                "tasks": [*(task.key for task in tasks), str(tasks[0].pk)],
                "parent_id": [str(tasks[0].pk)],
                "projects": [str(project.pk)],
                "project_id": [str(project.pk)],
                "department_id": [str(department.pk)],
                "assignee_ids": [str(person.pk)],
                "connections": [str(connection.pk)],
                "connection_id": [str(connection.pk)],
                "token": [workspace.token],
                "collections": [str(pk) for pk in SyncedCollection.objects.values_list("pk", flat=True)],
                "companies": [str(tenant.id)],
                "operations": [str(tenant.id)],
                "exports": [str(export.pk)],
                "sync-runs": [str(pk) for pk in SyncRun.objects.values_list("pk", flat=True)],
            },
        )


@contextmanager
def nothing_kept(tenant: TenantRef) -> Iterator[None]:
    """Undo what one request did."""
    with transaction.atomic(using="default"), transaction.atomic(using=tenant.cell):
        yield
        for alias in (tenant.cell, "default"):
            transaction.set_rollback(True, using=alias)
    directory.forget()


class Aim:
    """Points well-formed requests at rows there are, so that they get past the first look-up.

    What was generated as wrong stays wrong; one request in eight keeps its invented ids, to be answered 404.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.shots = 0

    def at_rows(self, case: AnyCase) -> None:
        """Fill in ids, the path's and those in the body."""
        self.shots += 1
        if case.meta is None or self.shots % 8 == 0:
            return
        kind = case.path.split("/")[3]
        if (
            case.path_parameters
            and kind in self.world.ids
            and not case.meta.is_negative_at(ParameterLocation.PATH)
        ):
            (name,) = case.path_parameters
            case.path_parameters = {name: self.world.one(kind)}
        self.from_body(case)

    def from_body(self, case: AnyCase) -> None:
        """Fill in the ids in the body."""
        is_wrong = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
        if isinstance(case.body, dict) and not is_wrong:
            case.body = {name: self._known(name, value) for name, value in case.body.items()}

    def _known(self, name: str, value: Any) -> Any:
        if name not in self.world.ids or not value:
            return value
        return [self.world.one(name)] if isinstance(value, list) else self.world.one(name)
