"""The drill proves a restore, says when it cannot, and the metric tells the last time it could."""

from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from tenants.backups.checks import check_backups
from tenants.backups.drill import run_restore_drill
from tenants.backups.metrics import collector
from tenants.backups.repository import DATA, stored_backups
from tenants.backups.selectors import backup_status, known_backups, repository_size
from tenants.backups.servers import BackupServer, backup_servers
from tenants.backups.taking import take_backup
from tenants.models import Evidence, Tenant
from tenants.tenancy.databases import owner_connection
from tests.companies import create_company, drop_company
from tests.tenants.backups.departments import found
from tests.tenants.backups.own_server import OwnServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]
PROVED = "nts_backup_last_proved_restore_timestamp_seconds"


@pytest.fixture
def server(on_own_server: OwnServer) -> BackupServer:
    """The server, with a backup."""
    server = backup_servers()[0]
    if not stored_backups(server.name):
        take_backup(server, kind="full")
    return server


@pytest.fixture
def company(server: BackupServer) -> Iterator[Tenant]:
    """A company with a row of its own, and a sequence that has given out numbers since the backup."""
    made = create_company()
    found(made, "one")
    with owner_connection(f"{made.cell}_owner") as connection:
        connection.execute("SELECT nextval(%s)", [f"{made.schema}.tasks_taskassignee_id_seq"])
    yield made
    drop_company(made)


def shown() -> dict[str, float]:
    """What a new process would show."""
    return {sample.name: sample.value for family in collector().collect() for sample in family.samples}


def test_a_drill_proves_a_restore_and_a_failed_one_does_not(server: BackupServer, company: Tenant) -> None:
    Evidence.objects.all().delete()
    assert shown()[PROVED] == 0, "never, so an alert on its age fires"
    assert backup_status().is_proof_overdue
    evidence = run_restore_drill()
    assert evidence.is_passed, evidence.summary
    report = evidence.report["servers"][0]
    assert report["company"] == str(company.pk)
    assert report["rows"] > 0
    proved = shown()[PROVED]
    assert proved == pytest.approx(evidence.finished_at.timestamp())
    assert not backup_status().is_proof_overdue

    path = stored_backups(server.name)[-1].folder / DATA
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        failed = run_restore_drill()
    finally:
        path.write_bytes(whole)
    assert not failed.is_passed
    assert "altered or cut" in failed.summary
    assert shown()[PROVED] == proved
    status = backup_status()
    assert status.last_drill == failed
    assert status.kept >= 1
    assert status.kept_bytes > 1_000_000
    assert (repository_size() or 0) > status.kept_bytes
    assert known_backups()[0].server == "main"


def test_a_drill_notices_rows_that_did_not_come_back(
    server: BackupServer, company: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.backups.drill.differences", lambda left, right: ["accounts_department"])
    evidence = run_restore_drill()
    assert not evidence.is_passed
    assert "accounts_department" in evidence.summary


def test_the_deployment_s_check_speaks_of_backups(server: BackupServer, settings: Settings) -> None:
    assert check_backups(None) == []
    settings.BACKUP_WAL_DIR = settings.BACKUP_WAL_DIR / "nowhere"
    assert [message.id for message in check_backups(None)] == ["tenants.W103"]
    settings.ADMIN_URLS = {}
    assert [message.id for message in check_backups(None)] == ["tenants.W102"]
    settings.BACKUP_DIR = None
    assert "tenants.W101" in [
        message.id for message in run_checks(tags=["backups"], include_deployment_checks=True)
    ]
    assert shown() == {}, "where backups are off there is no series to alert on"
