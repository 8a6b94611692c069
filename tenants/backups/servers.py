"""The database servers there are to back up, and how their own programs are run against them."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from django.conf import settings

from tenants.backups.errors import BackupFailed, BackupsOff
from tenants.foundation.redaction import redact_text

MAIN = "main"
CONTROL = "default_owner"
type Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Access:
    """How a role reaches a server."""

    host: str
    port: str
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> "Access":
        """Take it from ``postgresql://user:password@host:port/…``."""
        parts = urlsplit(url)
        return cls(
            parts.hostname or "", str(parts.port or 5432), unquote(parts.username or ""), unquote(parts.password or "")
        )  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which PostgreSQL's programs find the server; no secret is on their command line."""
        return {
            **os.environ,
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGAPPNAME": "notion-task-sync backup",
            "PGCONNECT_TIMEOUT": "10",
        }


@dataclass(frozen=True, slots=True)
class BackupServer:
    """One PostgreSQL server: the databases of ours on it by alias, and how it is backed up."""

    name: str
    access: Access
    databases: dict[str, str]

    @property
    def cells(self) -> list[str]:
        """Aliases of the cells on it."""
        return [cell for cell in settings.CELLS if f"{cell}_owner" in self.databases]

    @property
    def has_control_plane(self) -> bool:
        """Whether the directory of tenants is on it."""
        return CONTROL in self.databases

    @property
    def wal_folder(self) -> Path:
        """Where its archive_command leaves finished segments."""
        return Path(settings.BACKUP_WAL_DIR) / self.name

    def connect(self, database: str = "postgres") -> Connection:
        """A connection outside transactions, as the role that backs up."""
        return psycopg.connect(
            host=self.access.host, port=self.access.port, user=self.access.user, password=self.access.password,
            dbname=database, autocommit=True, connect_timeout=10, application_name="notion-task-sync backup",
        )  # fmt: skip


def repository_folder() -> Path:
    """Where backups are kept. Raises: BackupsOff."""
    if not settings.BACKUP_DIR:
        raise BackupsOff
    return Path(settings.BACKUP_DIR)


def are_backups_on() -> bool:
    """Whether a repository is configured."""
    return bool(settings.BACKUP_DIR)


def backup_servers() -> list[BackupServer]:
    """Every server that holds a database of ours; the control plane's is ``main``, another has its first cell's name.

    Raises: BackupsOff, BackupFailed when a server has no role to back it up with.
    """
    repository_folder()
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for alias in [CONTROL, *(f"{cell}_owner" for cell in settings.CELLS), "template"]:
        parts = settings.DATABASES[alias]
        groups.setdefault((parts["HOST"], parts["PORT"]), {})[alias] = parts["NAME"]
    return [_server(databases) for databases in groups.values()]


def server_of(alias: str) -> BackupServer:
    """The server of a cell (``cell_1``) or of the control plane (``default``). Raises: BackupsOff, BackupFailed."""
    return next(server for server in backup_servers() if f"{alias}_owner" in server.databases)


def _server(databases: dict[str, str]) -> BackupServer:
    first = next(iter(databases))
    is_main = CONTROL in databases
    name = MAIN if is_main else first.removesuffix("_owner")
    url = (settings.BACKUP_URL if is_main else "") or settings.ADMIN_URLS.get(first, "")
    if not url:
        wanted = "BACKUP_URL" if is_main else f"admin_url of {name}"
        raise BackupFailed(f"No role is known that may back up the server {name}: set {wanted}.")
    return BackupServer(name, Access.from_url(url), databases)


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs."""
    return str(Path(settings.POSTGRES_BIN) / name)


def run_program(
    name: str,
    arguments: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    seconds: float,
    cwd: Path,
) -> str:
    """Run one of PostgreSQL's programs as the account its files belong to; returns what it printed.

    Raises: BackupFailed with the program's own words, or when it took longer than ``seconds``.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the program and its arguments are ours
            [program(name), *arguments], capture_output=True, text=True, check=False, timeout=seconds, cwd=cwd,
            env=environment, user=settings.POSTGRES_ACCOUNT, group=settings.POSTGRES_ACCOUNT,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BackupFailed(f"{name} did not end within {seconds:g} s.") from error
    if done.returncode:
        raise BackupFailed(f"{name} failed: {last_lines(done.stderr or done.stdout)}")
    return done.stdout


def last_lines(text: str, count: int = 6) -> str:
    """The end of what a program complained of, without secrets."""
    return redact_text(" ".join(line.strip() for line in text.strip().splitlines()[-count:]))
