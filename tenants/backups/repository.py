"""The repository: which backups are in it, by their own sealed entries, so that it can be read without any database."""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from tenants.backups.errors import BackupBroken, BackupBusy, NoBackup
from tenants.backups.sealing import read_small, write_small
from tenants.backups.servers import CONTROL, Connection, repository_folder
from tenants.tenancy.databases import owner_connection
from tenants.tenancy.session_locks import session_lock

log = structlog.get_logger(__name__)
ENTRY: Final = "entry"
DATA: Final = "base.tar"
MANIFEST: Final = "backup_manifest"


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """One complete base backup. LSNs as PostgreSQL writes them; ``based_on`` is the id of the one before."""

    id: UUID
    server: str
    kind: str
    based_on: UUID | None
    started_at: datetime
    finished_at: datetime
    starts_at_lsn: str
    ends_at_lsn: str
    timeline: int
    segment_bytes: int
    first_segment: str
    last_segment: str
    system_identifier: str
    plain_bytes: int
    stored_bytes: int
    manifest_sha256: str
    databases: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return backup_folder(self.server, self.id)

    def name_of(self, file: str) -> str:
        """What one of its files is called where it is authenticated."""
        return file_name(self.server, self.id, file)

    def as_json(self) -> dict[str, Any]:
        """The entry as JSON values."""
        values = asdict(self)
        for key in ("id", "based_on"):
            values[key] = str(values[key]) if values[key] else None
        for key in ("started_at", "finished_at"):
            values[key] = values[key].isoformat()
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "StoredBackup":
        """The entry from its JSON values."""
        return cls(
            **{
                **values,
                "id": UUID(values["id"]),
                "based_on": UUID(values["based_on"]) if values["based_on"] else None,
                "started_at": datetime.fromisoformat(values["started_at"]),
                "finished_at": datetime.fromisoformat(values["finished_at"]),
            }
        )


def backup_folder(server: str, backup_id: UUID) -> Path:
    """Where a backup's files are."""
    return repository_folder() / server / "base" / str(backup_id)


def file_name(server: str, backup_id: UUID, file: str) -> str:
    """What a backup's file is called where it is authenticated."""
    return f"{server}/base/{backup_id}/{file}"


def write_entry(backup: StoredBackup) -> None:
    """Make a backup count: its entry is the last file that is written."""
    write_small(backup.folder / ENTRY, backup.name_of(ENTRY), json.dumps(backup.as_json()).encode())


def stored_backups(server: str, *, skips_unreadable: bool = False) -> list[StoredBackup]:
    """Every complete backup of a server, oldest first.

    ``skips_unreadable``: an entry that cannot be read is logged and left out, for it must not keep a restore from the
    other backups. Raises: BackupsOff, else BackupBroken for such an entry.
    """
    base = repository_folder() / server / "base"
    found = []
    for folder in base.iterdir() if base.exists() else ():
        if (folder / ENTRY).exists():
            try:
                content = read_small(folder / ENTRY, file_name(server, UUID(folder.name), ENTRY))
                found.append(_parse(content, folder))
            except BackupBroken as error:
                if not skips_unreadable:
                    raise
                log.error("backup.entry_unreadable", server=server, backup=folder.name, reason=error.message)
    return sorted(found, key=lambda backup: (backup.finished_at, backup.id))


def _parse(content: bytes, folder: Path) -> StoredBackup:
    try:
        return StoredBackup.from_json(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise BackupBroken(f"The entry of the backup {folder.name} cannot be read.") from error


def chain_of(backup: StoredBackup, backups: list[StoredBackup]) -> list[StoredBackup]:
    """The backups that are needed to restore one: the full one first, itself last.

    Raises: BackupBroken when one of them is gone.
    """
    by_id = {known.id: known for known in backups}
    chain = [backup]
    while chain[0].based_on is not None:
        parent = by_id.get(chain[0].based_on)
        if parent is None or parent in chain:
            raise BackupBroken(f"The backup {chain[0].id} is based on {chain[0].based_on}, which is gone.")
        chain.insert(0, parent)
    return chain


def newest_before(backups: list[StoredBackup], moment: datetime | None) -> StoredBackup:
    """The newest backup that was complete at a moment (None: the newest). Raises: NoBackup."""
    fit = [backup for backup in backups if moment is None or backup.finished_at <= moment]
    if not fit:
        oldest = f" The oldest is of {backups[0].finished_at:%Y-%m-%d %H:%M} UTC." if backups else ""
        raise NoBackup(f"There is no backup that was complete by then.{oldest}")
    return fit[-1]


def remove_backup(server: str, backup_id: UUID) -> None:
    """Delete a backup: first it ceases to count, then its files go."""
    folder = backup_folder(server, backup_id)
    (folder / ENTRY).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def unfinished(server: str) -> list[UUID]:
    """Backups whose folder has no entry: crashed, or just being taken."""
    base = repository_folder() / server / "base"
    if not base.exists():
        return []
    return [UUID(folder.name) for folder in base.iterdir() if not (folder / ENTRY).exists()]


def repository_bytes() -> int:
    """The size of all there is in the repository."""
    root = repository_folder()
    total = 0
    for folder, _, files in root.walk():
        for file in files:
            try:
                total += (folder / file).stat().st_size
            except FileNotFoundError:
                continue
    return total


@contextmanager
def repository_lock(server: str, purpose: str, *, shared: bool = False) -> Iterator[Connection]:
    """Hold a lock on a server's part of the repository, across machines, until the block or the process ends.

    ``purpose`` is ``backup`` (one at a time) or ``files`` (shared by those who read them, alone for who deletes them).
    Raises: BackupBusy when it cannot be had at once.
    """
    with (
        closing(owner_connection(CONTROL)) as connection,
        session_lock(connection, f"{purpose} {server}", shared=shared) as is_held,
    ):
        if not is_held:
            raise BackupBusy
        yield connection
