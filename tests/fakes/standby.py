"""A cell on a PostgreSQL server of its own, with a standby that streams from it."""

import contextlib
import copy
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections
from django.test import override_settings
from psycopg import sql

from config import embedded
from config.databases import READING
from tenants.tenancy.databases import create_database, migrate_shared_tables
from tenants.tenancy.directory import directory
from tenants.tenancy.hardening import harden_database

# A cell may have a login role of its own.
LOGIN = "nts_app_of_this_cell"


@dataclass(frozen=True)
class Standby:
    """The servers of one cell: the primary, and the standby beside it. Acts as their superuser."""

    primary: embedded.Services
    port: int

    def on_standby(self, query: str) -> object:
        """The first value of one statement on the standby."""
        return self._ask(self.port, query)

    def on_primary(self, query: str) -> object:
        """The first value of one statement on the primary."""
        return self._ask(self.primary.postgres_port, query)

    def pause(self) -> None:
        """Let the standby fall behind from here."""
        self.on_standby("SELECT pg_wal_replay_pause()")
        self._wait("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    def catch_up(self) -> None:
        """Let it replay, and wait until it has everything the primary has."""
        self.on_standby("SELECT pg_wal_replay_resume()")
        position = self.on_primary("SELECT pg_current_wal_insert_lsn()")
        self._wait(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def _wait(self, query: str) -> None:
        deadline = time.monotonic() + 20
        while not self.on_standby(query):
            assert time.monotonic() < deadline, query
            time.sleep(0.02)

    def _ask(self, port: int, query: str) -> object:
        with psycopg.connect(
            host=embedded.LOOPBACK, port=port, user=embedded.SUPERUSER, dbname="postgres", autocommit=True,
            password=self.primary.superuser_password,
        ) as connection:  # fmt: skip
            row = connection.execute(query.encode()).fetchone()
            return row[0] if row else None


@contextlib.contextmanager
def cell_with_standby(cell: str) -> Iterator[Standby]:
    """``cell`` is on another server until the block ends, and has a replica; all else stays where it is."""
    var = Path(tempfile.mkdtemp(prefix="nts-standby-"))
    var.chmod(0o755)
    try:
        services = embedded.ensure_running(var)
        with _moved(cell, services):
            create_database(f"{cell}_owner")
            migrate_shared_tables(f"{cell}_owner")
            harden_database(f"{cell}_owner")
            with _standby(var, services) as port, _known_as_replica(cell, port):
                yield Standby(services, port)
    finally:
        embedded.stop(var)
        shutil.rmtree(var, ignore_errors=True)


@contextlib.contextmanager
def _moved(cell: str, services: embedded.Services) -> Iterator[None]:
    passwords = {cell: services.login_password, f"{cell}_owner": services.owner_password}
    roles = {cell: LOGIN, f"{cell}_owner": embedded.OWNER_ROLE}
    before = {alias: dict(settings.DATABASES[alias]) for alias in passwords}
    admin = services.database_url(
        embedded.SUPERUSER, services.superuser_password, settings.DATABASES[cell]["NAME"]
    )
    connections.close_all()
    with psycopg.connect(admin.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        statement = sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(LOGIN), sql.Literal(services.login_password)))
    for alias, password in passwords.items():
        settings.DATABASES[alias].update(
            HOST=embedded.LOOPBACK, PORT=str(services.postgres_port), PASSWORD=password, USER=roles[alias]
        )
    try:
        with override_settings(ADMIN_URLS={**settings.ADMIN_URLS, f"{cell}_owner": admin}):
            directory.forget()
            yield
    finally:
        connections.close_all()
        for alias, parts in before.items():
            settings.DATABASES[alias].update(parts)
        directory.forget()


@contextlib.contextmanager
def _known_as_replica(cell: str, port: int) -> Iterator[None]:
    alias = f"{cell}_replica"
    parts = copy.deepcopy(connections.settings[cell])
    parts["PORT"] = str(port)
    parts["OPTIONS"] |= READING
    connections.settings[alias] = settings.DATABASES[alias] = parts
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        connections.settings.pop(alias)
        settings.DATABASES.pop(alias, None)


@contextlib.contextmanager
def _standby(var: Path, services: embedded.Services) -> Iterator[int]:
    """Copy the running server and let the copy stream from it; gives the copy's port."""
    data, account = var / "standby", None
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        account = embedded.SERVER_ACCOUNT
        entry = pwd.getpwnam(account)
        os.chown(data, entry.pw_uid, entry.pw_gid)
    environment = {**os.environ, "PGPASSWORD": services.superuser_password}
    subprocess.run(
        [
            str(embedded.POSTGRES_BIN / "pg_basebackup"), "-h", embedded.LOOPBACK, "-p", str(services.postgres_port),
            "-U", embedded.SUPERUSER, "-D", str(data), "-R", "-X", "stream", "-c", "fast",
        ],
        check=True, capture_output=True, user=account, cwd=data, env=environment,
    )  # fmt: skip
    port = embedded.free_port()
    arguments = [str(embedded.POSTGRES_BIN / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in (embedded.POSTGRES_SETTINGS | {"shared_buffers": "32MB"}).items():
        arguments += ["-c", f"{name}={value}"]
    with (var / "standby.log").open("wb") as log:
        process = subprocess.Popen(
            arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=account, cwd=data
        )
    try:
        _wait_for(port, services.superuser_password, process, var / "standby.log")
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _wait_for(port: int, password: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(
                host=embedded.LOOPBACK,
                port=port,
                user=embedded.SUPERUSER,
                password=password,
                dbname="postgres",
            ).close()
            return
        time.sleep(0.1)
    raise AssertionError(f"The standby did not start:\n{log.read_text(errors='replace')[-2000:]}")
