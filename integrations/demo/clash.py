"""Two people change the same title at the same time, so that the inbox of conflicts has something to decide."""

from __future__ import annotations

import structlog

from integrations.demo.companies import FIRST_TASKS
from integrations.models import Conflict, ExternalLink, FieldMapping
from integrations.sandbox.notion.content.living import LivePage, LiveTable, read_tables
from integrations.sandbox.notion.content.loopback import SandboxCalls
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import update_task
from tenants.accounts.access import Role
from tenants.accounts.models import User
from tenants.accounts.selectors import actor_for
from tenants.tenancy import TenantRef, atomic, tenant_scope

log = structlog.get_logger(__name__)

EVENT_WINDOW_SECONDS = 2
"""How long the demo's sandbox gathers changes of one page before it tells of them: shorter than Notion does."""


def ensure_clash(ref: TenantRef, calls: SandboxCalls) -> str:
    """Change a title on both sides, unless the company has met a conflict already; returns the task's key, or "".

    Raises: ExternalServiceError (the sandbox does not answer), DomainError (the task was just completed, …).
    """
    with tenant_scope(ref):
        with atomic():
            if Conflict.objects.exists():
                return ""
        table = next(
            (
                one
                for one in read_tables(calls)
                if one.shape.title == FIRST_TASKS.get(ref.slug) and one.people
            ),
            None,
        )
        found = None if table is None else _open_task(table)
        if table is None or found is None:
            return ""
        page, task, link_field = found
        person = next(iter(table.people))
        title = {"title": [{"text": {"content": f"{page.title}, with the numbers of last year"}}]}
        # Told of at once: it has to be known before the other edit is sent, which is two seconds later.
        calls.control("webhooks/rules", {"window_seconds": 0})
        calls.control(
            "edit", {"page_id": page.id, "as": person, "patch": {"properties": {link_field: title}}}
        )
        calls.control("webhooks/rules", {"window_seconds": EVENT_WINDOW_SECONDS})
        with atomic():
            manager = User.objects.filter(role_bindings__role=Role.MANAGER).earliest("role_bindings__id")
            changes = TaskChanges(title=f"{page.title}, first the large sites")
            update_task(task=task, changes=changes, actor=actor_for(manager))
    log.info("demo.clash", task=task.key, page_id=page.id)
    return str(task.key)


@atomic
def _open_task(table: LiveTable) -> tuple[LivePage, Task, str] | None:
    """An open page of the table whose task is in step, with the name of its title column."""
    pages = {page.id: page for page in table.open_pages()}
    link = (
        ExternalLink.objects.filter(remote_id__in=list(pages), state=ExternalLink.State.CLEAN)
        .filter(task__archived_at=None, task__isnull=False)
        .select_related("task")
        .order_by("task__key")
        .first()
    )
    column = (
        FieldMapping.objects.filter(collection_id=link.collection_id, our_field="title").first()
        if link
        else None
    )
    if link is None or link.task is None or column is None:
        return None
    return pages[link.remote_id], link.task, column.remote_field_name
