"""Reading a backup as a restore would: unpacked, combined, compared with its manifest, its log read to the end."""

from collections.abc import Callable
from uuid import UUID

import structlog
from django.utils import timezone

from tenants.backups.errors import BackupBroken, BackupFailed, NoBackup
from tenants.backups.laying_out import lay_out
from tenants.backups.repository import StoredBackup, chain_of, repository_lock, stored_backups
from tenants.backups.scratch import clear_leftovers, workplace
from tenants.backups.segments import require_unbroken, segment_index
from tenants.backups.servers import BackupServer
from tenants.backups.wal import check_segment, stored_segments
from tenants.models import Backup, Evidence

log = structlog.get_logger(__name__)


def verify_backup(
    server: BackupServer, backup: StoredBackup | None = None, *, beat: Callable[[], None] = lambda: None
) -> Evidence:
    """Verify a backup (the newest) with those it is based on; the finding is kept as evidence.

    Raises: NoBackup, BackupBusy; what is wrong with the backup is in the evidence, which has not passed then.
    """
    clear_leftovers()
    began = timezone.now()
    with repository_lock(server.name, "files", shared=True):
        backups = stored_backups(server.name, skips_unreadable=True)
        chosen = backup or (backups[-1] if backups else None)
        if chosen is None:
            raise NoBackup("There is no backup yet.")
        problem, is_broken = "", False
        try:
            chain = chain_of(chosen, backups)
            with workplace() as root:
                lay_out(chain, root, beat=beat)
            _check_log(chosen, beat)
        except BackupFailed as error:
            # A disk without room says nothing of the backup; a file that cannot be read does.
            problem, is_broken = error.message, isinstance(error, BackupBroken)
    _note(chosen.id, problem, is_broken=is_broken)
    log.info("backup.verified", server=server.name, backup=str(chosen.id), problem=problem)
    return Evidence.objects.create(
        kind=Evidence.Kind.BACKUP,
        is_passed=not problem,
        summary=(problem or f"The {chosen.kind} backup of {chosen.finished_at:%Y-%m-%d %H:%M} UTC is whole.")[
            :300
        ],
        report={"server": server.name, "backup": str(chosen.id), "kind": chosen.kind, "problem": problem},
        started_at=began,
    )


def _note(backup_id: UUID, problem: str, *, is_broken: bool) -> None:
    """Whether it counts from now on; one that was broken and is whole again (its key was missing) counts again."""
    rows = Backup.objects.filter(pk=backup_id)
    if not problem:
        rows.update(state=Backup.State.VERIFIED, verified_at=timezone.now(), error="")
    elif is_broken:
        rows.update(state=Backup.State.FAILED, error=problem)


def _check_log(backup: StoredBackup, beat: Callable[[], None]) -> None:
    """The log that makes the backup consistent is there, and can be read."""
    segments = stored_segments(backup.server)
    require_unbroken(
        segments, first=backup.first_segment, last=backup.last_segment, segment_bytes=backup.segment_bytes
    )
    size = backup.segment_bytes
    wanted = range(segment_index(backup.first_segment, size), segment_index(backup.last_segment, size) + 1)
    for name in segments:
        if segment_index(name, size) in wanted:
            check_segment(backup.server, name, size)
            beat()
