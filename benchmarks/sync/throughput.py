"""How fast rows come in when no budget holds them back: pages a second, and processor time per 1,000 pages."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections
from django.test.utils import override_settings

from benchmarks.sync.stage import PROJECTS
from benchmarks.sync.trace import Size
from integrations.demo.addresses import choose_addresses
from integrations.models import Connection, SyncRun
from integrations.registry import close_connections
from integrations.services import connect_workspace
from integrations.sync.engine import run_sync
from integrations.sync.services import confirm_proposals, discover_collections
from tenants.accounts.access import SYSTEM
from tenants.foundation.errors import LimitReached
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.provisioning import drop_schema
from tests.factories.notion import NotionWorkspace

_SLUG = f"bench-sync-speed-{os.getpid()}"
_STARTS = 200


def measure(size: Size) -> dict[str, Any]:
    """Import into an empty company by one worker, the sandbox in a process of its own."""
    workspace = NotionWorkspace(name="Bench speed", plan="business")
    for number in range(PROJECTS):
        workspace.add_project(f"Project {number + 1}")
    workspace.add_tasks(size.rows, priority="P1", estimate=1.0, assignees=[0], tags=["one", "two"])
    with _served(workspace) as base_url, _company(base_url) as tenant, tenant_scope(tenant):
        connection = _connected(workspace.token)
        discover_collections(connection=connection, actor=SYSTEM)
        confirm_proposals(connection=connection, actor=SYSTEM)
        with atomic():
            run = SyncRun.objects.get(connection=connection, kind=SyncRun.Kind.IMPORT)
        wall, processor = time.perf_counter(), time.process_time()
        _run_to_its_end(run)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        with atomic():
            run.refresh_from_db()
        if run.state != SyncRun.State.SUCCEEDED:
            raise RuntimeError(f"The import ended {run.state}: {run.error}")
    pages = size.rows + PROJECTS
    return {
        "pages": pages,
        "seconds": round(wall, 2),
        "pages_per_second": round(pages / wall, 1),
        "worker_processor_seconds_per_1000_pages": round(processor / pages * 1000, 3),
        "calls": run.calls,
    }


def _run_to_its_end(run: SyncRun) -> None:
    while True:
        try:
            run_sync(run_id=run.pk, heartbeat=lambda: None)
        except LimitReached:
            # A long run gives its worker back now and then; here is nobody else who wants it.
            continue
        return


@contextmanager
def _served(workspace: NotionWorkspace) -> Iterator[str]:
    base_url = choose_addresses().sandbox_url
    port = base_url.rsplit(":", 1)[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workspace.ndjson"
        lines = (json.dumps(obj) for obj in (workspace.line(), *workspace.objects))
        path.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "manage.py", "sandbox", "notion", "--port", port, "--budget", "off"]
        sandbox = subprocess.Popen(
            [*command, "--load", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield base_url
        finally:
            sandbox.terminate()
            sandbox.wait(timeout=20)


@contextmanager
def _company(base_url: str) -> Iterator[Any]:
    allowed = ["127.0.0.1", "localhost"]
    with override_settings(NOTION_BASE_URL=base_url, OUTBOUND_ALLOWED_PRIVATE_HOSTS=allowed):
        done = onboard_tenant(
            slug=_SLUG, name="Bench", owner_email="o@bench.example", owner_name="B",
            owner_password="not a secret 1",
        )  # fmt: skip
        try:
            yield done.tenant
        finally:
            close_connections()
            for company in Tenant.objects.filter(slug=_SLUG):
                drop_schema(company)
                company.delete()
            connections.close_all()


def _connected(token: str) -> Connection:
    for _ in range(_STARTS):
        try:
            return connect_workspace(token=token, actor=SYSTEM, requests_per_minute=None)
        except Exception:  # the sandbox is still starting
            time.sleep(0.1)
    raise RuntimeError("The sandbox did not start.")
