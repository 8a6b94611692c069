"""Our own engine on the trace: a real company, a real connection with webhooks, real jobs; only the clock is lent.

Texts of pages are left out: nobody writes any in the trace, and every strategy would need the same call for each.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import redis
from django.conf import settings
from django.db import connections
from django.test import Client
from django.test.utils import override_settings

from benchmarks.sync.borrowed_time import BorrowedTime
from benchmarks.sync.stage import Row, Stage
from benchmarks.sync.trace import Change, Value
from integrations.models import Connection, ExternalLink, FieldMapping, SyncedCollection, SyncRun
from integrations.registry import close_connections
from integrations.services import BODIES_JOB, connect_workspace
from integrations.sync.services import confirm_proposals
from integrations.webhooks.services import open_webhook, reveal_signing_key
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import SYSTEM
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy import TenantRef, atomic, tenant_scope
from tenants.tenancy.provisioning import drop_schema

SLUG = f"bench-sync-{os.getpid()}"


class Ours:
    """The engine, played like the others."""

    name, says = "ours", "Webhooks, delta queries, field-level merge, edits gathered for each row."

    def __init__(self, stage: Stage, tenant: TenantRef) -> None:
        self.stage = stage
        self.time = BorrowedTime(stage, tenant, left_out=frozenset({BODIES_JOB}))
        self._tenant = tenant
        self._client = Client(headers={"host": f"{tenant.slug}.localhost"})
        self._tasks: dict[int, UUID] = {}
        self._priorities: dict[str, str] = {}

    def import_rows(self) -> None:
        """As a company does it: connect, confirm the proposals, import, then give Notion the address for events."""
        with tenant_scope(self._tenant):
            connection = connect_workspace(
                token=self.stage.workspace.token, actor=SYSTEM, requests_per_minute=None
            )
        # Connecting has the tables looked for; somebody confirms what is proposed.
        self.time.run_to_rest()
        with tenant_scope(self._tenant):
            confirm_proposals(connection=connection, actor=SYSTEM)
        self.time.run_until(self._is_imported)
        self.time.run_to_rest()
        with tenant_scope(self._tenant):
            self._listen(connection)
            self._learn(connection)
        self.time.run_to_rest()

    def _is_imported(self) -> bool:
        with tenant_scope(self._tenant), atomic():
            return SyncRun.objects.exists() and not SyncRun.objects.open().exists()

    def _listen(self, connection: Connection) -> None:
        webhooks = self.stage.sandbox.webhooks
        webhooks.sender = self._receive
        address = open_webhook(connection=connection, actor=SYSTEM).address_key
        url = f"https://{self._tenant.slug}.localhost/hooks/notion/{address}/"
        subscription = webhooks.subscribe(self.stage.workspace.token, url)
        shown = reveal_signing_key(connection=connection, actor=SYSTEM)
        webhooks.confirm(subscription.id, shown.reveal())

    def _learn(self, connection: Connection) -> None:
        with atomic():
            links = dict(ExternalLink.objects.filter(task__isnull=False).values_list("remote_id", "task_id"))
            tasks = SyncedCollection.objects.get(connection=connection, role=SyncedCollection.Role.TASKS)
            mapping = FieldMapping.objects.get(collection=tasks, our_field="priority")
            self._priorities = {option["name"]: str(option["value"]) for option in mapping.options}
        self._tasks = {
            number: links[page_id] for number, page_id in enumerate(self.stage.page_ids) if page_id in links
        }
        if len(set(self._priorities.values())) != len(self._priorities):
            raise RuntimeError("Two priorities there are one here: the trace could not be told from that.")

    def _receive(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        sent = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        answer = self._client.post(
            urlsplit(url).path, data=body, content_type="application/json", headers=sent, secure=True
        )
        return int(answer.status_code)

    def edit(self, change: Change) -> None:
        with tenant_scope(self._tenant):
            with atomic():
                task = Task.objects.get(pk=self._tasks[change.row])
            update_task(task=task, changes=self._changes(change), actor=SYSTEM)

    def _changes(self, change: Change) -> TaskChanges:
        match change.field:
            case "title":
                return TaskChanges(title=str(change.value))
            case "due":
                return TaskChanges(due_on=date.fromisoformat(str(change.value)))
            case "priority":
                return TaskChanges(priority=int(self._priorities[str(change.value)]))
            case _:
                return TaskChanges(estimate_hours=Decimal(str(change.value)))

    def next_at(self) -> float | None:
        return self.time.next_at()

    def work(self) -> None:
        self.time.run_due()

    def end_day(self) -> None:
        return None

    def rows(self, numbers: Iterable[int]) -> dict[int, Row | None]:
        wanted = {self._tasks[number]: number for number in numbers if number in self._tasks}
        names = {value: name for name, value in self._priorities.items()}
        found: dict[int, Row | None] = dict.fromkeys(numbers)
        with tenant_scope(self._tenant), atomic():
            for task in Task.objects.filter(pk__in=wanted, archived_at=None).iterator():
                found[wanted[task.pk]] = _row(task, names)
        return found


def _row(task: Task, names: Mapping[str, str]) -> Row:
    hours: Value = float(task.estimate_hours) if task.estimate_hours is not None else 0.0
    due = task.due_on.isoformat() if task.due_on else ""
    return {
        "title": task.title, "priority": names.get(str(task.priority), ""), "due": due, "estimate": hours,
    }  # fmt: skip


@contextmanager
def ours(stage: Stage) -> Iterator[Ours]:
    """A company of its own that talks to the stage's sandbox; it is gone after the block."""
    redis.Redis.from_url(settings.REDIS_URL).flushdb()
    changed: dict[str, Any] = {
        "NOTION_BASE_URL": stage.base_url,
        # Nobody is there to answer when many rows change at once.
        "SYNC_BRAKE_ROWS": 0,
        "OUTBOUND_ALLOWED_PRIVATE_HOSTS": ["127.0.0.1", "localhost"],
    }
    with override_settings(**changed):
        done = onboard_tenant(
            slug=SLUG, name="Bench", owner_email="o@bench.example", owner_name="B",
            owner_password="not a secret 1",
        )  # fmt: skip
        strategy = Ours(stage, done.tenant)
        try:
            with strategy.time.lent():
                yield strategy
        finally:
            close_connections()
            for company in Tenant.objects.filter(slug=SLUG):
                drop_schema(company)
                company.delete()
            connections.close_all()
