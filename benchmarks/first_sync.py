"""What a first sync costs: calls to Notion against the least that is possible, and seconds from nothing to in step.

The calls are taken from the runs' own parts, data source by data source, on the demo's four workspaces, with the
budget of the sandbox lifted. A page of results holds 100 rows, so ceil(rows / 100) calls are the least; four more are
allowed for columns, people and the like. Values of more than 25 references cannot come with their row: each costs a
call of its own, listed apart. The seconds are of ``manage.py demo --once --json`` from an empty folder: everything
started, two companies taken in, four workspaces imported by real workers.
"""

import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.test.utils import override_settings

from benchmarks.results import save
from integrations.demo.addresses import choose_addresses
from integrations.demo.workspaces import WorkspaceFile, ensure_workspace_files
from integrations.models import SyncRun, SyncRunCollection
from integrations.services import connect_workspace
from integrations.sync.engine import run_sync
from integrations.sync.services import confirm_proposals, discover_collections
from tenants.accounts.access import SYSTEM
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope
from tenants.tenancy.preparing import prepare
from tenants.tenancy.provisioning import drop_schema

ALLOWED_BESIDE_PAGES = 4


def main() -> None:
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        files = ensure_workspace_files(path)
        parts, seconds = imported(files)
        figures: dict[str, Any] = {
            "calls_by_data_source": parts,
            "calls": sum(part["calls"] for part in parts),
            "least": sum(part["least"] for part in parts),
            "allowed": sum(part["least"] + ALLOWED_BESIDE_PAGES for part in parts),
            "rows": sum(part["rows"] for part in parts),
            "import_rows_per_second_one_process": round(sum(part["rows"] for part in parts) / seconds, 1),
            "demo_once": demo_once(path / "var"),
        }
    save("first_sync", (__doc__ or "").strip(), figures)
    for part in parts:
        print(f"{part['title']}: {part['rows']} rows, {part['calls']} calls (≤ {part['allowed']})")
    print(
        f"all: {figures['calls']} calls, {figures['least']} would be the least, {figures['allowed']} are allowed"
    )
    print(f"demo --once: {figures['demo_once']}")


def imported(files: list[WorkspaceFile]) -> tuple[list[dict[str, Any]], float]:
    """The calls of each data source's first import, and the seconds all imports took in one process."""
    addresses = choose_addresses()
    port = int(addresses.sandbox_url.rsplit(":", 1)[1])
    command = [sys.executable, "manage.py", "sandbox", "notion", "--port", str(port), "--budget", "off"]
    for file in files:
        command += ["--load", str(file.path)]
    sandbox = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    slug = f"bench-{os.getpid()}"
    try:
        with override_settings(
            NOTION_BASE_URL=addresses.sandbox_url, OUTBOUND_ALLOWED_PRIVATE_HOSTS=["127.0.0.1", "localhost"]
        ):
            done = onboard_tenant(
                slug=slug,
                name="Bench",
                owner_email="o@bench.example",
                owner_name="B",
                owner_password="not a secret 1",
            )
            with tenant_scope(done.tenant):
                return read_all(files)
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=20)
        for company in Tenant.objects.filter(slug=slug):
            drop_schema(company)
            company.delete()
        connections.close_all()


def read_all(files: list[WorkspaceFile]) -> tuple[list[dict[str, Any]], float]:
    parts: list[dict[str, Any]] = []
    seconds = 0.0
    for file in files:
        connection = None
        for _attempt in range(100):
            try:
                connection = connect_workspace(token=file.token, actor=SYSTEM, requests_per_minute=None)
                break
            except Exception:  # the sandbox is still starting
                time.sleep(0.1)
        if connection is None:
            raise RuntimeError("The sandbox did not start.")
        discover_collections(connection=connection, actor=SYSTEM)
        confirm_proposals(connection=connection, actor=SYSTEM)
        with atomic():
            run = SyncRun.objects.filter(connection=connection, kind=SyncRun.Kind.IMPORT).get()
        started = time.perf_counter()
        run_sync(run_id=run.pk, heartbeat=lambda: None)
        seconds += time.perf_counter() - started
        with atomic():
            for part in SyncRunCollection.objects.filter(run=run).select_related("collection"):
                least = math.ceil(part.done / 100)
                parts.append(
                    {
                        "title": f"{connection.name}: {part.collection.title}", "rows": part.done,
                        "calls": part.calls, "least": least, "allowed": least + ALLOWED_BESIDE_PAGES,
                    }
                )  # fmt: skip
    return parts, seconds


def demo_once(var: Path) -> dict[str, Any]:
    """The JSON of ``demo --once`` in an empty folder of its own, and the whole command's seconds."""
    environment = {**os.environ, "VAR_DIR": str(var)}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"):
        environment.pop(name, None)
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", "--json"],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    subprocess.run([sys.executable, "-m", "config.embedded", "stop"], env=environment, check=False)
    shutil.rmtree(var, ignore_errors=True)
    return {**json.loads(done.stdout), "whole_command_seconds": round(time.perf_counter() - started, 1)}
