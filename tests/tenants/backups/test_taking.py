"""Backups are taken one at a time, count only when they are whole, and can be read by nobody without the key."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone
from pytest_django import Settings

from config import embedded
from tenants.backups.errors import BackupBroken, BackupBusy, BackupFailed, NoBackup
from tenants.backups.repository import (
    DATA,
    StoredBackup,
    chain_of,
    repository_lock,
    stored_backups,
    unfinished,
    write_entry,
)
from tenants.backups.retention import prune_backups
from tenants.backups.scratch import recovered_server
from tenants.backups.sealing import read_sealed
from tenants.backups.servers import Access, BackupServer, backup_servers
from tenants.backups.taking import take_backup
from tenants.backups.verifying import verify_backup
from tenants.backups.wal import close_segment, require_archiving, stored_segments, wait_for_wal
from tenants.backups.whole_server import restore_server
from tenants.foundation.ids import uuid7
from tenants.models import Backup, Evidence, Tenant
from tests.companies import create_company, drop_company
from tests.tenants.backups.departments import found
from tests.tenants.backups.own_server import OwnServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("backups")]
ROOT = Path(__file__).resolve().parents[3]
MOST_BYTES = 2_000_000


@pytest.fixture
def server(on_own_server: OwnServer) -> BackupServer:
    """The server, with a full backup."""
    server = backup_servers()[0]
    if not stored_backups(server.name):
        take_backup(server, kind="full")
    return server


@pytest.fixture
def company(server: BackupServer) -> Iterator[Tenant]:
    """A company of its own."""
    made = create_company()
    yield made
    drop_company(made)


def command(own: OwnServer, *arguments: str, most_bytes: int = 0) -> subprocess.Popen[str]:
    """A command of the product in a process of its own; it may write no file beyond a size, as on a small disk."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=own.environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=limit if most_bytes else None,
    )  # fmt: skip


def newest(server: BackupServer) -> StoredBackup:
    return stored_backups(server.name)[-1]


def test_a_backup_is_encrypted_and_whole(server: BackupServer, company: Tenant) -> None:
    take_backup(server, kind="full")
    found(company, "Zanzibar")
    row = take_backup(server)
    backup = newest(server)
    assert (row.state, row.kind) == (Backup.State.COMPLETE, Backup.Kind.INCREMENTAL)
    assert [each.kind for each in chain_of(backup, stored_backups(server.name))] == ["full", "incremental"]
    assert row.bytes < chain_of(backup, stored_backups(server.name))[0].stored_bytes / 3
    stored = (backup.folder / DATA).read_bytes()
    plain = b"".join(read_sealed(backup.folder / DATA, backup.name_of(DATA)))
    assert b"pg_control" in plain
    assert b"pg_control" not in stored
    evidence = verify_backup(server)
    assert evidence.is_passed, evidence.summary
    row.refresh_from_db()
    assert row.verified_at is not None


def test_an_altered_backup_does_not_pass(server: BackupServer) -> None:
    altered = take_backup(server, kind="full")
    path = newest(server).folder / DATA
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        evidence = verify_backup(server)
    finally:
        path.write_bytes(whole)
    assert not evidence.is_passed
    assert "altered or cut" in evidence.summary
    assert evidence.kind == Evidence.Kind.BACKUP
    altered.refresh_from_db()
    assert altered.state == Backup.State.FAILED
    assert "altered or cut" in altered.error


def test_nothing_begins_with_a_backup_that_was_found_broken(server: BackupServer, company: Tenant) -> None:
    found(company, "Harbour")
    sound, broken = take_backup(server), take_backup(server, kind="full")
    path = newest(server).folder / DATA
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    try:
        assert not verify_backup(server).is_passed
        wait_for_wal(server, close_segment(server), seconds=60)
        with recovered_server(server) as scratch:
            assert scratch.backup.id == sound.pk
        assert take_backup(server).based_on_id != broken.pk
    finally:
        path.write_bytes(whole)
    by_id = {each.id: each for each in stored_backups(server.name)}
    assert verify_backup(server, by_id[broken.pk]).is_passed, "the disk gave it back"
    broken.refresh_from_db()
    assert broken.state == Backup.State.VERIFIED


def test_one_unreadable_entry_does_not_keep_a_restore_from_the_others(server: BackupServer) -> None:
    before = take_backup(server)  # a good one, whatever other tests did to those before it
    row = take_backup(server)
    entry = newest(server).folder / "entry"
    whole = entry.read_bytes()
    entry.write_bytes(whole[:-1])
    try:
        with recovered_server(server) as scratch:
            assert scratch.backup.id == before.pk
        assert verify_backup(server).report["backup"] == str(before.pk)
        with pytest.raises(BackupBroken):
            prune_backups(server)  # what it cannot read might be needed: nothing is removed
    finally:
        entry.write_bytes(whole)
    assert newest(server).id == row.pk


def test_an_entry_of_another_backup_is_noticed(server: BackupServer) -> None:
    take_backup(server)
    first, second = stored_backups(server.name)[0], newest(server)
    entry = (second.folder / "entry").read_bytes()
    (second.folder / "entry").write_bytes((first.folder / "entry").read_bytes())
    try:
        with pytest.raises(BackupBroken):
            stored_backups(server.name)
    finally:
        (second.folder / "entry").write_bytes(entry)


def test_a_role_that_may_only_replicate_is_enough(server: BackupServer, settings: Settings) -> None:
    with server.connect() as connection:
        connection.execute("CREATE ROLE nts_backup LOGIN REPLICATION PASSWORD 'invented'")
        connection.execute("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO nts_backup")
    settings.BACKUP_URL = (
        f"postgresql://nts_backup:invented@{server.access.host}:{server.access.port}/postgres"
    )
    modest = backup_servers()[0]
    assert modest.access.user == "nts_backup"
    take_backup(modest)
    wait_for_wal(modest, close_segment(modest), seconds=60)
    # The role is younger than the moment the server is brought to.
    with recovered_server(modest, to=stored_backups(modest.name)[0].finished_at) as scratch:
        assert scratch.access.user == "postgres"


def test_two_at_once_are_refused(server: BackupServer) -> None:
    with repository_lock(server.name, "backup"), pytest.raises(BackupBusy):
        take_backup(server)
    with repository_lock(server.name, "files", shared=True), pytest.raises(BackupBusy):
        prune_backups(server)


def test_a_killed_backup_does_not_count_and_the_next_one_clears_it_away(
    on_own_server: OwnServer, server: BackupServer
) -> None:
    before = {backup.id for backup in stored_backups(server.name)}
    process = command(on_own_server, "backup", "--full")
    deadline = time.monotonic() + 60
    while not unfinished(server.name) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    left = unfinished(server.name)
    assert len(left) == 1, "it was killed in the middle"
    assert {backup.id for backup in stored_backups(server.name)} == before
    row = next_backup(server)
    assert unfinished(server.name) == []
    assert newest(server).id == row.pk
    killed = Backup.objects.get(pk=left[0])
    assert (killed.state, killed.error) == (Backup.State.FAILED, "The process that took it has ended.")


def next_backup(server: BackupServer) -> Backup:
    """The lock ends when the server has noticed that its holder is gone."""
    for _ in range(50):
        try:
            return take_backup(server)
        except BackupBusy:
            time.sleep(0.1)
    raise AssertionError("the lock of a killed process did not end")


def test_a_full_disk_fails_with_its_reason_and_leaves_nothing(
    on_own_server: OwnServer, server: BackupServer
) -> None:
    before = stored_backups(server.name)
    process = command(on_own_server, "backup", "--full", most_bytes=MOST_BYTES)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "could not be stored: File too large" in output
    assert stored_backups(server.name) == before
    assert unfinished(server.name) == []
    row = Backup.objects.filter(state=Backup.State.FAILED).latest("started_at")
    assert "File too large" in row.error


def test_what_is_not_needed_any_more_goes_and_the_rest_can_be_restored(server: BackupServer) -> None:
    old = take_backup(server, kind="full")
    young = take_backup(server, kind="full")
    age(server, before=young, days=30)
    pruned = prune_backups(server)
    # Of those before the window one is kept: the window's first hours are reached from it.
    left = stored_backups(server.name)
    assert [backup.id for backup in left] == [old.pk, young.pk]
    assert pruned.backups >= 1
    assert stored_segments(server.name)[0] == left[0].first_segment
    assert verify_backup(server, left[0]).is_passed
    gone = Backup.objects.filter(state=Backup.State.EXPIRED)
    assert gone.exists()
    Backup.objects.filter(pk=young.pk).delete()  # as after the control plane was restored to yesterday
    prune_backups(server)
    assert Backup.objects.get(pk=young.pk).state == Backup.State.COMPLETE


def age(server: BackupServer, *, before: Backup, days: int) -> None:
    """Make every backup older than it is but one."""
    for backup in stored_backups(server.name):
        if backup.id != before.pk:
            write_entry(replace(backup, finished_at=backup.finished_at - timedelta(days=days)))


def test_a_lost_server_comes_back_without_any_database(
    on_own_server: OwnServer, server: BackupServer, company: Tenant
) -> None:
    found(company, "last")
    wait_for_wal(server, close_segment(server), seconds=60)
    target = on_own_server.var / f"lost-{timezone.now():%H%M%S%f}"
    earlier = newest(server)
    if len(stored_backups(server.name)) == 1:
        take_backup(server, kind="full")
    done = restore_server(server.name, target, backup_id=earlier.id)
    assert done.backup == earlier
    with pytest.raises(NoBackup, match="There is no backup"):
        restore_server(server.name, target.with_name("nowhere"), backup_id=uuid7())
    port = embedded.free_port()
    process = subprocess.Popen(
        [
            str(embedded.POSTGRES_BIN / "postgres"), "-D", str(done.data), "-p", str(port), "-c", "archive_mode=off",
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=200",
            "-c", "max_locks_per_transaction=256",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=done.data,
        user=embedded.SERVER_ACCOUNT if os.geteuid() == 0 else None,
    )  # fmt: skip
    try:
        url = server.access
        deadline = time.monotonic() + 60
        while True:
            try:
                connection = psycopg.connect(
                    host="127.0.0.1", port=port, user=url.user, password=url.password,
                    dbname=server.databases["cell_1_owner"],
                )  # fmt: skip
                row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
                if row == (False,):
                    break
                connection.close()
            except psycopg.OperationalError:
                assert process.poll() is None, "the server did not come up"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with connection:
            query = f'SELECT name FROM "{company.schema}".accounts_department'
            assert connection.execute(query.encode()).fetchall() == [("last",)]
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=20)


def test_a_server_that_archives_nothing_is_refused_at_once(
    databases: None, settings: Settings, tmp_path: Path
) -> None:
    """The suite's own server keeps no log; the first backup would wait for it in vain."""
    settings.BACKUP_DIR, settings.BACKUP_WAL_DIR = tmp_path / "backups", tmp_path / "wal"
    server = BackupServer("main", Access.from_url(settings.ADMIN_URLS["default_owner"]), {})
    with pytest.raises(BackupFailed, match="archives no log"):
        require_archiving(server)
    segments = tmp_path / "backups" / "main" / "wal"
    segments.mkdir(parents=True)
    (segments / ("0" * 24)).touch()
    require_archiving(server)  # there was one who brought it


def test_an_incremental_backup_needs_a_full_one(
    server: BackupServer, settings: Settings, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path / "empty"
    with pytest.raises(NoBackup, match="no full backup"):
        take_backup(server, kind="incremental")
