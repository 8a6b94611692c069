"""A restore whose process is killed goes on where it was, and leaves neither a server nor files behind."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tenants.backups.repository import stored_backups
from tenants.backups.servers import backup_servers
from tenants.backups.taking import take_backup
from tenants.foundation.errors import Conflict
from tenants.lifecycle.restoring.services import drop_replaced_schemas, restore_tenant
from tenants.models import Operation, Tenant
from tests.companies import create_company, drop_company
from tests.tenants.backups.departments import found, names_in
from tests.tenants.backups.own_server import OwnServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def company(on_own_server: OwnServer) -> Iterator[Tenant]:
    """A company of its own, with backups of its server."""
    server = backup_servers()[0]
    if not stored_backups(server.name):
        take_backup(server, kind="full")
    made = create_company()
    yield made
    drop_replaced_schemas(made.pk)
    drop_company(made)


def begin(own: OwnServer, company: Tenant, moment: datetime) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "restore_tenant", company.slug, "--to", moment.isoformat()], cwd=ROOT,
        env=own.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def postmasters() -> dict[Path, int]:
    """The servers of restores that run now, by their folder."""
    root = Path(settings.BACKUP_SCRATCH_DIR)
    found: dict[Path, int] = {}
    for place in root.iterdir() if root.exists() else ():
        try:
            found[place] = int((place / "data" / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            continue
    return found


def test_a_restore_that_was_killed_goes_on_and_clears_its_server_away(
    on_own_server: OwnServer, company: Tenant
) -> None:
    found(company, "one")
    time.sleep(0.02)
    moment = timezone.now()
    time.sleep(0.02)
    found(company, "two")
    process = begin(on_own_server, company, moment)
    deadline = time.monotonic() + 90
    while not (running := postmasters()) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    sockets = [Path(tempfile.gettempdir()) / (place / "socket").read_text() for place in running]
    assert all(folder.is_dir() for folder in sockets)
    operation = Operation.objects.get(tenant_id=company.pk, kind="restore")
    assert operation.steps_done == ["close"]
    assert operation.state == Operation.State.RUNNING
    company.refresh_from_db()
    assert company.state == Tenant.State.READ_ONLY

    with pytest.raises(Conflict, match="just doing this"):
        restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    Operation.objects.filter(pk=operation.pk).update(lease_expires_at=timezone.now())  # a minute later
    again = restore_tenant(slug=company.slug, moment=moment, asked_by="test")
    assert again.pk == operation.pk
    assert names_in(company) == ["one"]
    company.refresh_from_db()
    assert company.state == Tenant.State.ACTIVE
    assert not list(Path(settings.BACKUP_SCRATCH_DIR).iterdir())
    assert not any(folder.exists() for folder in sockets)
    for pid in running.values():
        assert not is_a_server(pid), "the killed restore's server is gone"


def is_a_server(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
