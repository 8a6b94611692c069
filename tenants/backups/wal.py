"""Write-ahead log: its way from the server's spool into the repository."""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from tenants.backups.errors import BackupBroken, BackupBusy, BackupFailed, WalMissing
from tenants.backups.sealing import SealedFile, read_sealed
from tenants.backups.segments import ARCHIVED, HEADER_BYTES, SEGMENT, check_header
from tenants.backups.servers import BackupServer, repository_folder

log = structlog.get_logger(__name__)
# A replication slot may be a replica's; then it is seen when the log does not come.
ARCHIVING: Final = """
SELECT current_setting('archive_mode'), current_setting('archive_command'), current_setting('archive_library'),
       (SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_receivewal')
       + (SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical')
"""
_READ_BYTES: Final = 1024 * 1024
_SHIPPING_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Shipment:
    """What was brought into the repository: files and their size there."""

    files: int
    stored_bytes: int


def wal_folder(server: str) -> Path:
    """Where a server's log is kept in the repository."""
    return repository_folder() / server / "wal"


def wal_name(server: str, name: str) -> str:
    """What a file of the log is called where it is authenticated."""
    return f"{server}/wal/{name}"


def stored_segments(server: str) -> list[str]:
    """The names of the segments in the repository, oldest first."""
    folder = wal_folder(server)
    if not folder.exists():
        return []
    return sorted(
        (path.name for path in folder.iterdir() if SEGMENT.match(path.name)), key=lambda name: name[8:]
    )


def ship_wal(server: BackupServer, *, beat: Callable[[], None] = lambda: None) -> Shipment:
    """Encrypt what the server has left in its spool into the repository, then remove it there. Safe to repeat.

    Raises: BackupsOff, BackupBusy, BackupFailed (another segment of that name is already there; the disk is full).
    """
    spool, target = server.wal_folder, wal_folder(server.name)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not spool.exists():
        return Shipment(0, 0)
    files = stored = 0
    with _one_at_a_time(spool):
        for path in sorted(path for path in spool.iterdir() if ARCHIVED.match(path.name)):
            stored += _ship(path, target / path.name, wal_name(server.name, path.name))
            files += 1
            beat()
    if files:
        log.info("wal.shipped", server=server.name, files=files, bytes=stored)
    return Shipment(files, stored)


def wait_for_wal(
    server: BackupServer, segment: str, *, seconds: float, beat: Callable[[], None] = lambda: None
) -> None:
    """Ship until a segment is in the repository.

    Raises: WalMissing when the server does not bring it in time, and what :func:`ship_wal` raises.
    """
    deadline = time.monotonic() + seconds
    while True:
        ship_wal(server, beat=beat)
        if (wal_folder(server.name) / segment).exists():
            return
        if time.monotonic() > deadline:
            raise WalMissing(
                f"The segment {segment} did not come to {server.wal_folder} within {seconds:g} s: "
                "is the server's archive_command (or pg_receivewal) at work?"
            )
        beat()
        time.sleep(0.1)


def require_archiving(server: BackupServer) -> None:
    """See that somebody brings the log, where none has come so far: a backup without it cannot be restored.

    Raises: BackupFailed with what is missing.
    """
    if stored_segments(server.name):
        return
    with server.connect() as connection:
        row = connection.execute(ARCHIVING).fetchone()
    assert row is not None  # one row, always
    mode, command, library, receivers = row
    if not receivers and (mode == "off" or not (command or library)):
        raise BackupFailed(
            "The server archives no log, so a backup of it could not be restored: set archive_mode and "
            f"archive_command, or have pg_receivewal write to {server.wal_folder} (docs/backups.md)."
        )


def mark_position(server: BackupServer) -> str:
    """Put a commit of now into the log; returns the position it stands at."""
    with server.connect() as connection:
        row = connection.execute(
            "SELECT pg_logical_emit_message(true, 'notion-task-sync', 'mark')::text"
        ).fetchone()
    assert row is not None  # one row, always
    return str(row[0])


def close_segment(server: BackupServer) -> str:
    """Have the server end the segment it writes, after a commit of now; returns the segment's name.

    What was committed before can be restored when that segment is in the repository, and every moment before.
    """
    # Without a commit after it, a recovery cannot tell that it has come to a moment.
    mark_position(server)
    with server.connect() as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None  # one row, always
    return str(row[0])


def _ship(path: Path, target: Path, name: str) -> int:
    if target.exists():
        # The server, or we, were cut off after the copy: the same bytes are welcome, others are an alarm.
        if _digest(_pieces(path)) != _digest(read_sealed(target, name)):
            raise BackupFailed(
                f"Another {path.name} is already in the repository. Was the server made anew? Give it a new BACKUP_DIR."
            )
    else:
        try:
            with SealedFile(target, name) as sealed:
                for piece in _pieces(path):
                    sealed.write(piece)
        except OSError as error:
            raise BackupFailed(f"{path.name} could not be stored: {error.strerror}.") from error
    path.unlink()
    return target.stat().st_size


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            yield piece


def _digest(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


@contextmanager
def _one_at_a_time(spool: Path) -> Iterator[None]:
    """The spool is on one machine: a lock on a file there ends with the process that holds it."""
    with (spool / ".shipping").open("w") as file:
        deadline = time.monotonic() + _SHIPPING_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise BackupBusy("Another process is still shipping the write-ahead log.") from error
                time.sleep(0.05)
        yield


def check_segment(server: str, name: str, segment_bytes: int) -> None:
    """Read a stored segment to its end and see that it is whole, and the one its name says. Raises: BackupBroken."""
    head, size = b"", 0
    for piece in read_sealed(wal_folder(server) / name, wal_name(server, name)):
        head = head if len(head) >= HEADER_BYTES else head + piece[:HEADER_BYTES]
        size += len(piece)
    if size != segment_bytes:
        raise BackupBroken(f"{name} has {size} bytes; a segment of this server has {segment_bytes}.")
    check_header(head, name, segment_bytes)
