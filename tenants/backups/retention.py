"""Which backups are kept, and the removal of the others; never of one that a kept one needs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from tenants.backups.repository import StoredBackup, remove_backup, repository_lock, stored_backups
from tenants.backups.sealing import sync_folder
from tenants.backups.segments import SEGMENT
from tenants.backups.servers import BackupServer
from tenants.backups.soundness import broken_backups
from tenants.backups.wal import wal_folder
from tenants.models import Backup

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed: backups and files of the log."""

    backups: int
    log_files: int


def kept_backups(
    backups: Sequence[StoredBackup], *, now: datetime, days: int, broken: Collection[UUID] = ()
) -> list[StoredBackup]:
    """Those that are needed to reach every moment of the last ``days`` days, oldest first.

    A chain is kept or removed whole: while a full backup is kept, so is all that is based on it. The newest chain is
    always kept, however old. A full backup in ``broken`` reaches nothing: it does not stand in for the one before it.
    """
    border = now - timedelta(days=days)
    chains: dict[UUID, list[StoredBackup]] = {}
    root_of: dict[UUID, UUID] = {}
    for backup in sorted(backups, key=lambda known: (known.finished_at, known.id)):
        # One whose parent is gone cannot be restored and belongs to no chain.
        root = backup.id if backup.based_on is None else root_of.get(backup.based_on)
        if root is not None:
            root_of[backup.id] = root
            chains.setdefault(root, []).append(backup)
    complete_at = sorted((chain[0].finished_at, root) for root, chain in chains.items())
    before = [root for moment, root in complete_at if moment <= border]
    after = [root for moment, root in complete_at if moment > border]
    keep = {*([root for root in before if root not in broken] or before)[-1:], *after}
    return [backup for root, chain in chains.items() if root in keep for backup in chain]


def needed_from(kept: Sequence[StoredBackup]) -> str | None:
    """The segment from which on the log is needed; None while no backup is kept."""
    return min((backup.first_segment for backup in kept), key=lambda name: name[8:], default=None)


def prune_backups(server: BackupServer) -> Pruned:
    """Remove what is not needed any more, and bring the rows of the control plane in line with the repository.

    Raises: BackupsOff, BackupBroken, BackupBusy while somebody takes or reads a backup.
    """
    with repository_lock(server.name, "backup"), repository_lock(server.name, "files"):
        backups = stored_backups(server.name)
        kept = kept_backups(
            backups, now=timezone.now(), days=settings.BACKUP_KEEP_DAYS, broken=broken_backups(server.name)
        )
        gone = [backup for backup in backups if backup not in kept]
        # The newest first: cut short, what is left is still a chain.
        for backup in reversed(gone):
            remove_backup(server.name, backup.id)
        log_files = _prune_log(server.name, needed_from(kept))
        align_rows(server, kept)
    if gone or log_files:
        log.info("backups.pruned", server=server.name, backups=len(gone), log_files=log_files)
    return Pruned(len(gone), log_files)


def align_rows(server: BackupServer, stored: Sequence[StoredBackup]) -> None:
    """Rows follow the repository: what is gone has expired, what is unknown (a control plane that was restored) is
    entered."""
    done = [Backup.State.COMPLETE, Backup.State.VERIFIED]
    rows = Backup.objects.filter(server=server.name)
    rows.filter(state__in=done).exclude(pk__in=[backup.id for backup in stored]).update(
        state=Backup.State.EXPIRED, expires_at=timezone.now()
    )
    known = set(rows.values_list("pk", flat=True))
    for backup in stored:
        if backup.id not in known:
            Backup.objects.create(
                id=backup.id, server=backup.server, kind=backup.kind, state=Backup.State.COMPLETE,
                based_on=Backup.objects.filter(pk=backup.based_on).first() if backup.based_on else None,
                cells=server.cells, location=f"{backup.server}/base/{backup.id}", bytes=backup.stored_bytes,
                starts_at_lsn=backup.starts_at_lsn, ends_at_lsn=backup.ends_at_lsn,
                first_segment=backup.first_segment, manifest_sha256=backup.manifest_sha256,
                started_at=backup.started_at, finished_at=backup.finished_at,
            )  # fmt: skip


def _prune_log(server: str, first: str | None) -> int:
    """Remove the log before a segment; histories of timelines stay, and everything while there is no backup."""
    folder, removed = wal_folder(server), 0
    if first is None or not folder.exists():
        return 0
    for path in folder.iterdir():
        name = path.name[:24]
        if SEGMENT.match(name) and name[8:] < first[8:]:
            path.unlink(missing_ok=True)
            removed += 1
    sync_folder(folder)
    return removed
