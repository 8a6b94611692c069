"""Taking base backups: pg_basebackup's stream goes encrypted into the repository, never in the clear onto a disk."""

import contextlib
import hashlib
import json
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

import structlog
from django.utils import timezone

from tenants.backups.errors import BackupFailed, NoBackup
from tenants.backups.repository import (
    DATA,
    MANIFEST,
    StoredBackup,
    backup_folder,
    file_name,
    remove_backup,
    repository_lock,
    stored_backups,
    unfinished,
    write_entry,
)
from tenants.backups.sealing import SealedFile, read_sealed, remove_stale, write_small
from tenants.backups.segments import parse_lsn, require_unbroken, segment_of
from tenants.backups.servers import BackupServer, last_lines, program
from tenants.backups.soundness import broken_backups
from tenants.backups.wal import require_archiving, stored_segments, wait_for_wal, wal_folder
from tenants.foundation.errors import DomainError
from tenants.foundation.redaction import redact_text
from tenants.models import Backup

log = structlog.get_logger(__name__)
type Kind = Literal["full", "incremental"]
MOST_SECONDS: Final = 6 * 3600.0
# How long the server may take to archive the segment in which the backup ends.
WAL_SECONDS: Final = 90.0
_READ_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Taken:
    """What pg_basebackup has sent."""

    manifest: bytes
    plain_bytes: int


def take_backup(
    server: BackupServer, *, kind: Kind | None = None, beat: Callable[[], None] = lambda: None
) -> Backup:
    """Take a base backup; without ``kind`` an incremental one where there is a full one to base it on.

    Each incremental one is based on the latest full one, not on the one before: so a restore has two layers to unpack
    and never twenty-five, and none depends on another's being whole.

    A backup that fails leaves a row with the reason, and nothing that counts.
    Raises: BackupsOff, BackupBusy, NoBackup (incremental on nothing), BackupFailed.
    """
    with repository_lock(server.name, "backup"), repository_lock(server.name, "files", shared=True):
        tidy_up(server)
        parent = None if kind == "full" else _parent(server, is_required=kind == "incremental")
        row = Backup.objects.create(
            server=server.name, kind="incremental" if parent else "full", cells=server.cells,
            location=f"{server.name}/base", based_on=_row_of(parent),
        )  # fmt: skip
        row.location = f"{server.name}/base/{row.pk}"
        row.save(update_fields=["location"])
        try:
            stored = _store(server, row, parent, beat)
        except BaseException as error:
            _fail(row, error)
            if isinstance(error, OSError):
                raise BackupFailed(f"The backup could not be stored: {error.strerror or error}.") from error
            raise
        _complete(row, stored)
    return row


def tidy_up(server: BackupServer) -> None:
    """Clear away what crashed runs have left; the caller holds the lock ``backup``."""
    for backup_id in unfinished(server.name):
        remove_backup(server.name, backup_id)
    remove_stale(wal_folder(server.name))
    for row in Backup.objects.filter(server=server.name, state=Backup.State.RUNNING):
        row.state, row.finished_at = Backup.State.FAILED, timezone.now()
        row.error = "The process that took it has ended."
        row.save(update_fields=["state", "finished_at", "error"])


def _parent(server: BackupServer, *, is_required: bool) -> StoredBackup | None:
    broken = broken_backups(server.name)
    full = [
        backup
        for backup in stored_backups(server.name, skips_unreadable=True)
        if backup.based_on is None and backup.id not in broken
    ]
    if not full and is_required:
        raise NoBackup("There is no full backup yet that an incremental one could be based on.")
    return full[-1] if full else None


def _row_of(parent: StoredBackup | None) -> Backup | None:
    return Backup.objects.filter(pk=parent.id).first() if parent else None


def _store(
    server: BackupServer, row: Backup, parent: StoredBackup | None, beat: Callable[[], None]
) -> StoredBackup:
    folder = backup_folder(server.name, row.pk)
    started_at = timezone.now()
    require_archiving(server)
    with server.connect() as connection:
        size = connection.execute("SELECT pg_size_bytes(current_setting('wal_segment_size'))").fetchone()
    segment_bytes = int(cast(tuple[int], size)[0])
    with SealedFile(folder / DATA, file_name(server.name, row.pk, DATA)) as sealed:
        taken = _stream(server, row, parent, sealed, beat)
    write_small(folder / MANIFEST, file_name(server.name, row.pk, MANIFEST), taken.manifest)
    manifest = _parse(taken.manifest)
    span = manifest["WAL-Ranges"][-1]
    timeline, starts_at, ends_at = int(span["Timeline"]), str(span["Start-LSN"]), str(span["End-LSN"])
    first = segment_of(starts_at, timeline, segment_bytes)
    last = segment_of(_one_before(ends_at), timeline, segment_bytes)
    wait_for_wal(server, last, seconds=WAL_SECONDS, beat=beat)
    require_unbroken(stored_segments(server.name), first=first, last=last, segment_bytes=segment_bytes)
    stored = StoredBackup(
        id=row.pk, server=server.name, kind=row.kind, based_on=parent.id if parent else None,
        started_at=started_at, finished_at=timezone.now(), starts_at_lsn=starts_at, ends_at_lsn=ends_at,
        timeline=timeline, segment_bytes=segment_bytes, first_segment=first, last_segment=last,
        system_identifier=str(manifest.get("System-Identifier", "")), plain_bytes=taken.plain_bytes,
        stored_bytes=sum(path.stat().st_size for path in folder.iterdir()),
        manifest_sha256=hashlib.sha256(taken.manifest).hexdigest(), databases=server.databases,
    )  # fmt: skip
    write_entry(stored)
    return stored


def _stream(
    server: BackupServer,
    row: Backup,
    parent: StoredBackup | None,
    sealed: SealedFile,
    beat: Callable[[], None],
) -> _Taken:
    command = [
        program("pg_basebackup"), "--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast",
        f"--label=nts {row.pk}", "--no-password",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="nts-backup-") as folder:
        if parent is not None:
            command.append(f"--incremental={_manifest_file(parent, Path(folder))}")
        errors = Path(folder) / "errors"
        with errors.open("wb") as complaints:
            process = subprocess.Popen(  # noqa: S603 - the program and its arguments are ours
                command, stdout=subprocess.PIPE, stderr=complaints, env=server.access.environment
            )
        with _ended_with_us(process):
            assert process.stdout is not None
            tee = _Tee(process.stdout, sealed, beat)
            manifest, broken = None, None
            try:
                manifest = _manifest_in(tee)
            except tarfile.TarError as error:
                broken = error
            tee.drain()
            if process.wait():
                raise BackupFailed(f"pg_basebackup failed: {last_lines(errors.read_text(errors='replace'))}")
        if broken or manifest is None:
            raise BackupFailed("pg_basebackup sent no manifest.") from broken
        return _Taken(manifest, sealed.plain_bytes)


def _manifest_in(tee: "_Tee") -> bytes | None:
    """Read the whole tar as it passes and pick the manifest out."""
    manifest = None
    with tarfile.open(fileobj=cast(IO[bytes], tee), mode="r|", bufsize=_READ_BYTES) as tar:
        for member in tar:
            if member.name.startswith("pg_tblspc/") and not member.isdir():
                raise BackupFailed(
                    "Servers with tablespaces of their own cannot be backed up by this command."
                )
            file = tar.extractfile(member) if member.name.removeprefix("./") == MANIFEST else None
            if file is not None:
                manifest = file.read()
    return manifest


class _Tee:
    """What is read from the program is written to the repository."""

    def __init__(self, source: IO[bytes], sealed: SealedFile, beat: Callable[[], None]) -> None:
        self._source, self._sealed, self._beat = source, sealed, beat

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        self._sealed.write(piece)
        self._beat()
        return piece

    def drain(self) -> None:
        while self.read(_READ_BYTES):
            pass


@contextlib.contextmanager
def _ended_with_us(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """The program ends when the block does, and is killed when it takes far too long."""
    timer = threading.Timer(MOST_SECONDS, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _manifest_file(parent: StoredBackup, folder: Path) -> Path:
    path = folder / MANIFEST
    with path.open("wb") as file:
        for piece in read_sealed(parent.folder / MANIFEST, parent.name_of(MANIFEST)):
            file.write(piece)
    return path


def _parse(manifest: bytes) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(manifest)
        values["WAL-Ranges"][-1]["End-LSN"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BackupFailed("pg_basebackup's manifest cannot be read.") from error
    return values


def _one_before(lsn: str) -> str:
    """The last byte before a position: one at a segment's very beginning needs nothing of that segment."""
    position = parse_lsn(lsn) - 1
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def _complete(row: Backup, stored: StoredBackup) -> None:
    row.state, row.bytes = Backup.State.COMPLETE, stored.stored_bytes
    row.starts_at_lsn, row.ends_at_lsn = stored.starts_at_lsn, stored.ends_at_lsn
    row.first_segment, row.manifest_sha256 = stored.first_segment, stored.manifest_sha256
    row.finished_at = stored.finished_at
    row.save()
    log.info("backup.taken", server=row.server, kind=row.kind, backup=str(row.pk), bytes=row.bytes)


def _fail(row: Backup, error: BaseException) -> None:
    remove_backup(row.server, row.pk)
    words = error.message if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    row.state, row.error, row.finished_at = Backup.State.FAILED, redact_text(words)[:2000], timezone.now()
    row.save(update_fields=["state", "error", "finished_at"])
    log.error("backup.failed", server=row.server, kind=row.kind, reason=row.error)
