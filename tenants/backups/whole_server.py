"""A whole server from the repository, when nothing else is left: needs the key and the files, and no database."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings

from tenants.backups.errors import BackupFailed, NoBackup
from tenants.backups.laying_out import lay_out, make_folder, require_room
from tenants.backups.repository import StoredBackup, chain_of, newest_before, stored_backups
from tenants.backups.sealing import read_sealed
from tenants.backups.segments import ARCHIVED, require_unbroken, segment_index
from tenants.backups.wal import stored_segments, wal_folder, wal_name

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A data directory that recovers when a server is started on it, and what it was made of."""

    data: Path
    backup: StoredBackup
    log_files: int


def restore_server(
    server: str,
    target: Path,
    *,
    to: datetime | None = None,
    backup_id: UUID | None = None,
    beat: Callable[[], None] = lambda: None,
) -> LaidOut:
    """Make a data directory in ``target`` that comes to a moment (None: as far as the log goes) when it is started.

    It begins with the backup ``backup_id``, else with the newest one before the moment. The log lies decrypted beside
    it, in ``target/wal``; remove that when the server has come up.
    Raises: BackupFailed (the folder is not empty; no room), NoBackup, WalMissing, BackupBroken.
    """
    if target.exists() and any(target.iterdir()):
        raise BackupFailed(f"{target} is not empty.")
    backups = stored_backups(server, skips_unreadable=True)
    backup = newest_before(backups if backup_id is None else _only(backups, backup_id), to)
    segments, size = stored_segments(server), backup.segment_bytes
    require_unbroken(segments, first=backup.first_segment, last=None, segment_bytes=size)
    start = segment_index(backup.first_segment, size)
    names = [name for name in segments if segment_index(name, size) >= start]
    names += sorted(path.name for path in wal_folder(server).iterdir() if path.name.endswith(".history"))
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o711)
    require_room(target, len(names) * size)
    data = lay_out(chain_of(backup, backups), target, beat=beat)
    wal = make_folder(target / "wal")
    for name in names:
        _decrypt(server, name, wal / name)
        beat()
    _configure(data, wal, to)
    log.info("server.laid_out", server=server, backup=str(backup.id), log_files=len(names))
    return LaidOut(data, backup, len(names))


def _only(backups: Sequence[StoredBackup], backup_id: UUID) -> list[StoredBackup]:
    chosen = [backup for backup in backups if backup.id == backup_id]
    if not chosen:
        raise NoBackup(f"There is no backup {backup_id} in the repository, or its entry cannot be read.")
    return chosen


def _decrypt(server: str, name: str, target: Path) -> None:
    assert ARCHIVED.match(name)
    with target.open("wb") as file:
        for piece in read_sealed(wal_folder(server) / name, wal_name(server, name)):
            file.write(piece)
    _give(target)


def _configure(data: Path, wal: Path, to: datetime | None) -> None:
    lines = [f'restore_command = \'cp "{wal}/%f" "%p"\'', "recovery_target_action = 'promote'"]
    if to is not None:
        lines.append(f"recovery_target_time = '{to.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'")
    with (data / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join(["", *lines, ""]))
    (data / "standby.signal").unlink(missing_ok=True)
    signal = data / "recovery.signal"
    signal.touch(mode=0o600)
    for path in (signal, data / "postgresql.auto.conf"):
        _give(path)


def _give(path: Path) -> None:
    path.chmod(0o600)
    if settings.POSTGRES_ACCOUNT:
        shutil.chown(path, settings.POSTGRES_ACCOUNT)
