"""Write-ahead log: its segments' names and order, and their way from the server's spool into the repository."""

import fcntl
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from tenants.backups.errors import BackupBroken, BackupBusy, BackupFailed, WalMissing
from tenants.backups.sealing import SealedFile, read_sealed
from tenants.backups.servers import BackupServer, repository_folder

log = structlog.get_logger(__name__)
SEGMENT: Final = re.compile(r"^[0-9A-F]{24}$")
# Segments, the history of timelines, and the marks of backups: what an archive_command is given.
ARCHIVED: Final = re.compile(r"^([0-9A-F]{24}(\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history)$")
_READ_BYTES: Final = 1024 * 1024
_SHIPPING_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Shipment:
    """What was brought into the repository: files and their size there."""

    files: int
    stored_bytes: int


def parse_lsn(lsn: str) -> int:
    """A position as PostgreSQL writes it (``0/3000028``) as a number of bytes."""
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment_of(lsn: str, timeline: int, segment_bytes: int) -> str:
    """The name of the segment that holds a position."""
    index, per_log = parse_lsn(lsn) // segment_bytes, 0x1_0000_0000 // segment_bytes
    return f"{timeline:08X}{index // per_log:08X}{index % per_log:08X}"


def segment_index(name: str, segment_bytes: int) -> int:
    """The place of a segment in the sequence, whatever its timeline."""
    return int(name[8:16], 16) * (0x1_0000_0000 // segment_bytes) + int(name[16:24], 16)


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


def require_unbroken(segments: Iterable[str], *, first: str, last: str | None, segment_bytes: int) -> None:
    """See that the log goes on without a hole from ``first`` to ``last`` (None: to the newest there is).

    Raises: WalMissing with the first place that is missing.
    """
    there = {segment_index(name, segment_bytes) for name in segments}
    start = segment_index(first, segment_bytes)
    end = segment_index(last, segment_bytes) if last else max(there, default=start)
    for index in range(start, end + 1):
        if index not in there:
            per_log = 0x1_0000_0000 // segment_bytes
            name = f"{first[:8]}{index // per_log:08X}{index % per_log:08X}"
            raise WalMissing(f"The segment {name} of the write-ahead log is not in the repository.")


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


def check_segment(server: str, name: str) -> None:
    """Read a stored segment to its end. Raises: BackupBroken."""
    size = sum(len(piece) for piece in read_sealed(wal_folder(server) / name, wal_name(server, name)))
    if not size:
        raise BackupBroken(f"{name} is empty.")
