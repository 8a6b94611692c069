"""A company is moved there and back while people write and read and jobs run: nothing is lost, nothing done twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tenants.dispatch.dispatcher import Dispatcher
from tenants.models import Tenant
from tenants.tenancy import TenantRef
from tests.faults.conftest import ROOT, Workers, wait_until
from tests.faults.moving import Office
from tests.tenants.lifecycle.moving.places import ask, traces_of

pytestmark = pytest.mark.usefixtures("dispatcher")


def move(tenant: TenantRef, to: str) -> dict[str, object]:
    """``manage.py move_tenant`` in a process of its own, as an operator would."""
    done = subprocess.run(
        [sys.executable, "manage.py", "move_tenant", tenant.slug, "--to", to, "--json", "--change-region"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def open_jobs(tenant: TenantRef, cell: str) -> int:
    query = "SELECT count(*) FROM tenants_workitem WHERE tenant_id = %s AND kind = 'test.mark' AND state <> 'done'"
    return int(ask(cell, query, [tenant.id])[0][0])


def test_nothing_is_lost_or_done_twice_on_the_way_there_and_back(
    committed_tenant: TenantRef, workers: Workers, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    marks.touch()
    office = Office(committed_tenant, marks=str(marks))
    workers.start()
    with office.people():
        wait_until(office.has_done(10), seconds=120, what="the people work")
        there = move(committed_tenant, "cell_2")
        wait_until(office.has_done(10), seconds=120, what="they work in the new place")
        back = move(committed_tenant, "cell_1")
        wait_until(office.has_done(10), seconds=120, what="they work in the old place again")
    assert office.errors == []
    assert office.refused, "nobody was ever refused: the wall was not met"
    assert office.reads > 50
    assert office.found() == office.told
    assert Tenant.objects.get(pk=committed_tenant.id).cell == "cell_1"
    for told in (there, back):
        assert 0 < float(str(told["read_only_seconds"])) < 5
    wait_until(lambda: open_jobs(committed_tenant, "cell_1") == 0, seconds=120, what="every job is done")
    assert open_jobs(committed_tenant, "cell_2") == 0
    lines = [line.split()[0] for line in marks.read_text().splitlines()]
    assert len(lines) == len(set(lines)) == office.marked
    assert traces_of(committed_tenant, "cell_1") == traces_of(committed_tenant, "cell_2") == []
