"""Moving a company with 10,000 tasks to another cell while somebody keeps changing tasks.

The read-only window is what the operation itself records: from the moment the doors are shut to the one in which they
are open again in the new cell. Beside it stands what a writer met who tries again every 20 ms: the longest time
between two changes that were accepted. Rows are compared by hash on both servers inside that window.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections

from benchmarks.results import save
from tasks.drafts import TaskChanges
from tasks.models import Task
from tasks.services import create_task, update_task
from tenants.accounts.access import SYSTEM
from tenants.lifecycle.moving import drop_copies_of, move_tenant
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Operation, Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.directory import directory
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema

TASKS, BATCH, LIMIT_SECONDS, PAUSE_SECONDS = 10_000, 250, 5.0, 0.02


def main() -> None:
    """Measure a move there and one back and write ``results/move.json``."""
    prepare()
    slug = f"bench-{secrets.token_hex(4)}"
    company = onboard_tenant(
        slug=slug, name="Bench", owner_email=f"o@{slug}.example", owner_name="Bench Owner",
        owner_password=secrets.token_urlsafe(16),
    ).tenant  # fmt: skip
    try:
        fill(company.id)
        other = next(cell for cell in settings.CELLS if cell != company.cell)
        figures = {"there": measure(slug, company.id, other), "back": measure(slug, company.id, company.cell)}
    finally:
        drop_copies_of(company.id)
        drop_schema(Tenant.objects.get(pk=company.id))
        Operation.objects.filter(tenant_id=company.id).delete()
        Tenant.objects.get(pk=company.id).delete()
    path = save("move", (__doc__ or "").strip(), {"tasks": TASKS, "limit_seconds": LIMIT_SECONDS, **figures})
    for name, row in figures.items():
        print(
            f"{name}: read-only {row['read_only_seconds']} s (≤ {LIMIT_SECONDS} s), whole {row['whole_seconds']} s, "
            f"{row['rows']} rows, {row['bytes']} bytes → {path.name}"
        )


def fill(tenant_id: UUID) -> None:
    """Make the tasks the way people make them: with their history and their events."""
    ref = directory.by_id(tenant_id)
    assert ref is not None
    with tenant_scope(ref):
        for first in range(0, TASKS, BATCH):
            with atomic():
                for number in range(first, first + BATCH):
                    create_task(
                        changes=TaskChanges(title=f"Task {number}", description="What is to be done. " * 20),
                        actor=SYSTEM,
                    )


def measure(slug: str, tenant_id: UUID, to: str) -> dict[str, Any]:
    """One move with a writer at work."""
    gaps: list[float] = []
    refused: list[int] = []
    with writing(tenant_id, gaps, refused):
        time.sleep(1.0)
        started = time.perf_counter()
        done = move_tenant(slug=slug, to=to, asked_by="bench", may_change_region=True)
        seconds = time.perf_counter() - started
        time.sleep(1.0)
    return {
        "read_only_seconds": done.result["read_only_seconds"],
        "writer_waited_seconds": round(max(gaps), 3),
        "writer_accepted": len(gaps),
        "writer_refused": sum(refused),
        "whole_seconds": round(seconds, 2),
        "rows": done.result["rows"],
        "tables": done.result["tables"],
        "bytes": done.result["bytes"],
        "rows_per_second": round(done.result["rows"] / seconds),
    }


@contextmanager
def writing(tenant_id: UUID, gaps: list[float], refused: list[int]) -> Iterator[None]:
    """Somebody changes a task again and again and tries again when refused; notes the time between two successes."""
    ended = threading.Event()

    def write() -> None:
        last = time.perf_counter()
        try:
            while not ended.is_set():
                ref = directory.by_id(tenant_id)
                assert ref is not None
                try:
                    with tenant_scope(ref), atomic():
                        task = Task.objects.order_by("pk")[len(gaps) % 500]
                        update_task(
                            task=task, changes=TaskChanges(title=f"Changed {len(gaps)}"), actor=SYSTEM
                        )
                    now = time.perf_counter()
                    gaps.append(now - last)
                    last = now
                except OperationalError:
                    refused.append(1)
                ended.wait(PAUSE_SECONDS)
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
