"""Killed, cut off, twice at once or behind a long reader: each company is migrated once, nobody waits for another."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from tenants.tenancy.databases import owner_connection
from tenants.tenancy.migrating import one_tenant
from tenants.tenancy.migrations import (
    migrate_tenants,
)
from tests.tenants.tenancy.migrating.conftest import (
    ADD,
    MakeFleet,
    all_is_done_once,
    rendered,
)

ROOT = Path(__file__).resolve().parents[4]


def in_a_thread() -> None:
    try:
        migrate_tenants(workers=1)
    finally:
        connections.close_all()


def start_command() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "migrate_tenants", "--workers", "2"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_server() -> None:
    """Until the server has finished what a killed process had sent it."""
    with psycopg.connect(settings.ADMIN_URLS["cell_1_owner"], autocommit=True) as admin:
        while admin.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'BEGIN; SET LOCAL%'"
            " AND pid <> pg_backend_pid()"
        ).fetchone():
            time.sleep(0.02)


def test_a_run_killed_in_the_middle_goes_on_where_it_was(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(40)
    with rendered(f"SELECT pg_sleep(0.2); {ADD}"):
        process = start_command()
        try:
            deadline = time.monotonic() + 60
            while len(fleet.migrated()) < 8 and time.monotonic() < deadline:
                assert process.poll() is None, "the command ended before it could be killed"
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        wait_for_server()
        reached = fleet.migrated()
        assert 8 <= len(reached) < 40
        assert set(reached) == set(fleet.changed())
        report = migrate_tenants(workers=4)
        assert not report.failed
        assert len(report.migrated) == 40 - len(reached)
    all_is_done_once(fleet)


def test_two_runs_at_once_share_the_work(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(24)
    with rendered(f"SELECT pg_sleep(0.1); {ADD}"):
        other = start_command()
        try:
            while not fleet.migrated() and other.poll() is None:
                time.sleep(0.02)
            report = migrate_tenants(workers=2)
        finally:
            code = other.wait(timeout=60)
        assert code == 0
        assert not report.failed
        assert 0 < len(report.migrated) < 24
    all_is_done_once(fleet)


def test_connections_that_are_cut_in_the_middle_cost_nothing_but_time(make_fleet: MakeFleet) -> None:
    fleet = make_fleet(20)
    with (
        rendered(f"SELECT pg_sleep(0.2); {ADD}"),
        psycopg.connect(settings.ADMIN_URLS["cell_1_owner"], autocommit=True) as admin,
    ):

        def cut_twice() -> None:
            hits, deadline = 0, time.monotonic() + 60
            while hits < 2 and time.monotonic() < deadline:
                cut = admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state = 'active' AND query LIKE '%pg_sleep(0.2)%' AND pid <> pg_backend_pid()"
                )
                hits += len(cut.fetchall())
                time.sleep(0.3 if hits else 0.02)

        cutter = threading.Thread(target=cut_twice)
        cutter.start()
        report = migrate_tenants(workers=2)
        cutter.join()
    assert report.retries >= 2
    assert report.is_complete
    all_is_done_once(fleet)


def test_a_long_reader_of_one_company_keeps_nobody_else_waiting(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "100ms")
    fleet = make_fleet(8)
    read = fleet.tenants[3]
    with rendered(ADD), owner_connection("cell_1_owner") as reader:
        reader.execute(f'SELECT count(*) FROM "{read.schema}".item')
        run = threading.Thread(target=in_a_thread)
        run.start()
        deadline = time.monotonic() + 60
        while len(fleet.migrated()) < 7 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(fleet.migrated()) == 7, "the others waited for the reader"
        assert read.slug not in fleet.migrated()
        reader.rollback()
        run.join()
    all_is_done_once(fleet)


def test_who_waits_for_a_lock_gives_up_before_others_queue_behind_it(
    make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_tenant, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(
        one_tenant, "random", type("Even", (), {"uniform": staticmethod(lambda _a, _b: 0.05)})
    )
    fleet = make_fleet(1)
    with rendered(ADD), owner_connection("cell_1_owner") as reader:
        reader.execute(f'SELECT count(*) FROM "{fleet.tenants[0].schema}".item')
        report = migrate_tenants()
        assert "lock timeout" in report.failed["fleet-0"]
        assert report.retries >= 4
    assert fleet.changed() == []
