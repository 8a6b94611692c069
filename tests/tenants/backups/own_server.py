"""A PostgreSQL of a test's own that keeps its write-ahead log, and the product's databases on it for a while."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from django.test import override_settings

from config import embedded
from tenants.tenancy.directory import directory
from tenants.tenancy.preparing import prepare


@dataclass(frozen=True)
class OwnServer:
    """The server and the folders of its backups."""

    var: Path
    services: embedded.Services

    @property
    def repository(self) -> Path:
        return self.var / "backups"

    @property
    def environment(self) -> dict[str, str]:
        """For the product's processes that a test starts."""
        return {
            **os.environ,
            "VAR_DIR": str(self.var),
            "BACKUP_DIR": str(self.repository),
            "KEY_ENCRYPTION_KEY": settings.KEY_ENCRYPTION_KEY,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "LOG_LEVEL": "WARNING",
        }


@contextlib.contextmanager
def own_server() -> Iterator[OwnServer]:
    """Start a server, stop it and remove everything of it afterwards."""
    var = Path(tempfile.mkdtemp(prefix="nts-backups-"))
    var.chmod(0o755)
    try:
        services = embedded.ensure_running(var, archive=var / "wal-archive")
        admin = services.database_url(embedded.SUPERUSER, services.superuser_password, "postgres")
        with psycopg.connect(admin, autocommit=True) as connection:  # nothing here has to survive the machine
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield OwnServer(var, services)
    finally:
        # At once: a server that stops properly first archives all that nobody is going to read.
        pid = int((var / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        embedded.stop(var)
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            time.sleep(0.05)
        shutil.rmtree(var, ignore_errors=True)


@contextlib.contextmanager
def product_on(server: OwnServer) -> Iterator[None]:
    """Every database of this process is on the other server until the block ends."""
    passwords = {
        embedded.LOGIN_ROLE: server.services.login_password,
        embedded.OWNER_ROLE: server.services.owner_password,
    }
    before: dict[str, dict[str, Any]] = {}
    connections.close_all()
    for alias, parts in settings.DATABASES.items():
        before[alias] = {name: parts[name] for name in ("HOST", "PORT", "PASSWORD")}
        parts.update(
            HOST=embedded.LOOPBACK, PORT=str(server.services.postgres_port), PASSWORD=passwords[parts["USER"]]
        )
    admin = server.services.database_url(embedded.SUPERUSER, server.services.superuser_password, "postgres")
    changed = override_settings(
        BACKUP_DIR=server.repository,
        BACKUP_WAL_DIR=server.var / "wal-archive",
        BACKUP_SCRATCH_DIR=server.var / "restore",
        ADMIN_URLS={
            alias: admin.rsplit("/", 1)[0] + "/" + settings.DATABASES[alias]["NAME"]
            for alias in settings.ADMIN_URLS
        },
    )
    try:
        with changed:
            directory.forget()
            yield
    finally:
        connections.close_all()
        for alias, parts in before.items():
            settings.DATABASES[alias].update(parts)
        directory.forget()


def prepare_product() -> None:
    """The databases, the template; no tenants."""
    prepare()
    connections.close_all()
