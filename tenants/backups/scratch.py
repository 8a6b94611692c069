"""A server of its own, for a while: a backup and the log brought to a moment, reached over a private socket."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final
from uuid import uuid4

import psycopg
import structlog
from django.conf import settings

from tenants.backups.errors import BackupFailed, WalMissing
from tenants.backups.feeding import WalFeeder
from tenants.backups.laying_out import lay_out, make_folder
from tenants.backups.repository import StoredBackup, chain_of, newest_before, repository_lock, stored_backups
from tenants.backups.segments import require_unbroken
from tenants.backups.servers import Access, BackupServer, Connection, last_lines, program
from tenants.backups.soundness import broken_backups, sound_backups
from tenants.backups.wal import stored_segments

log = structlog.get_logger(__name__)
RECOVERY_SECONDS: Final = 2 * 3600.0
SOCKETS: Final = "nts-restore-"
_TOO_SHORT: Final = "recovery ended before configured recovery target was reached"
# It serves one restore and is thrown away: nothing in it has to survive a crash.
SETTINGS: Final = {
    "listen_addresses": "",
    "port": "5432",
    "archive_mode": "off",
    "hot_standby": "off",
    "recovery_target_action": "promote",
    "recovery_target_timeline": "latest",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
    "max_connections": "20",
    "max_prepared_transactions": "64",
    "max_locks_per_transaction": "512",
    "max_wal_size": "4GB",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Scratch:
    """A server that has come to ``moment`` (None: to the end of the log), and the backup it began with."""

    access: Access
    databases: dict[str, str]
    backup: StoredBackup
    moment: datetime | None
    segments: int
    seconds: float

    def connect(self, database: str = "postgres") -> Connection:
        """A connection outside transactions, as superuser."""
        return psycopg.connect(
            host=self.access.host, port=self.access.port, user=self.access.user, dbname=database, autocommit=True
        )  # fmt: skip


@contextlib.contextmanager
def recovered_server(
    server: BackupServer,
    *,
    to: datetime | None = None,
    to_lsn: str = "",
    beat: Callable[[], None] = lambda: None,
) -> Iterator[Scratch]:
    """Bring a server to a moment, or a position of the log, beside the live one; gone when the block ends.

    Without either it comes as far as the log goes.

    Raises: NoBackup, BackupBroken, WalMissing, BackupFailed, BackupBusy (files are just being removed).
    """
    clear_leftovers()
    began = time.monotonic()
    with repository_lock(server.name, "files", shared=True):
        backups = sound_backups(
            stored_backups(server.name, skips_unreadable=True), broken_backups(server.name)
        )
        backup = newest_before(backups, to)
        require_unbroken(
            stored_segments(server.name), first=backup.first_segment, last=None,
            segment_bytes=backup.segment_bytes,
        )  # fmt: skip
        with workplace() as root:
            data = lay_out(chain_of(backup, backups), root, beat=beat)
            with _feeder(server.name, backup, root) as feeder, _socket_folder(root) as socket:
                configure(data, root, feeder.command, to=to, to_lsn=to_lsn, socket=socket)
                with _running(data, root) as process:
                    access = replace(server.access, host=str(socket), port="5432", password="")
                    access = _wait_until_ready(access, process, feeder, root, beat)
                    seconds = time.monotonic() - began
                    log.info("restore.recovered", server=server.name, backup=str(backup.id), seconds=seconds)
                    yield Scratch(access, backup.databases, backup, to, feeder.served, seconds)


def clear_leftovers() -> int:
    """End the servers and remove the files of restores whose process was killed; returns how many there were."""
    root = Path(settings.BACKUP_SCRATCH_DIR)
    cleared = 0
    for place in root.iterdir() if root.exists() else ():
        with (place / "lock").open("a") if place.is_dir() else contextlib.nullcontext() as lock:
            if lock is None or not _try_lock(lock):
                continue
            _end_postmaster(place / "data")
            _remove_socket_folder(place)
            shutil.rmtree(place, ignore_errors=True)
            cleared += 1
    if cleared:
        log.warning("restore.leftovers_cleared", count=cleared)
    return cleared


def configure(
    data: Path, root: Path, restore_command: str, *, to: datetime | None, to_lsn: str, socket: Path | None
) -> None:
    """Write the configuration of a recovery, apart from the one that was backed up with the data."""
    values = {
        **SETTINGS,
        "unix_socket_directories": str(socket or ""),
        "hba_file": str(root / "pg_hba.conf"),
        "ident_file": str(root / "pg_ident.conf"),
        "restore_command": restore_command,
    }
    if to is not None:
        values["recovery_target_time"] = f"{to.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
    if to_lsn:
        values["recovery_target_lsn"] = to_lsn
    # Only who may enter the socket's folder gets as far as this.
    (root / "pg_hba.conf").write_text("local all all trust\n")
    (root / "pg_ident.conf").write_text("")
    quoted = {name: value.replace("'", "''") for name, value in values.items()}
    (root / "postgresql.conf").write_text("".join(f"{name} = '{value}'\n" for name, value in quoted.items()))
    (data / "postgresql.auto.conf").write_text("")
    (data / "standby.signal").unlink(missing_ok=True)
    signal_file = data / "recovery.signal"
    signal_file.touch(mode=0o600)
    if settings.POSTGRES_ACCOUNT:
        shutil.chown(signal_file, settings.POSTGRES_ACCOUNT)


def _feeder(server: str, backup: StoredBackup, root: Path) -> WalFeeder:
    folder = make_folder(root / "feed")
    return WalFeeder(server, folder, account=settings.POSTGRES_ACCOUNT, segment_bytes=backup.segment_bytes)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder that is ours while we live: the lock on it ends with the process."""
    root = Path(settings.BACKUP_SCRATCH_DIR) / uuid4().hex[:12]
    root.mkdir(parents=True)
    root.chmod(0o711)
    for parent in root.parents:
        status = parent.stat()
        if settings.POSTGRES_ACCOUNT and status.st_uid == os.geteuid() and not status.st_mode & 0o001:
            parent.chmod(status.st_mode & 0o7777 | 0o001)
    with (root / "lock").open("w") as lock:
        _try_lock(lock)
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def _socket_folder(root: Path) -> Iterator[Path]:
    """A short path (a socket's may have 107 bytes) that only the server's account and we can enter."""
    folder = Path(tempfile.mkdtemp(prefix=SOCKETS))
    (root / "socket").write_text(folder.name)
    if settings.POSTGRES_ACCOUNT:
        shutil.chown(folder, settings.POSTGRES_ACCOUNT)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(data: Path, root: Path) -> Iterator["subprocess.Popen[bytes]"]:
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (root / name).chmod(0o644)
    with (root / "log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the program and its arguments are ours
            [program("postgres"), "-D", str(data), "-c", f"config_file={root / 'postgresql.conf'}"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=data, start_new_session=True,
            user=settings.POSTGRES_ACCOUNT, group=settings.POSTGRES_ACCOUNT,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)  # at once: nothing here is kept
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_until_ready(
    access: Access,
    process: "subprocess.Popen[bytes]",
    feeder: WalFeeder,
    root: Path,
    beat: Callable[[], None],
) -> Access:
    deadline, delay = time.monotonic() + RECOVERY_SECONDS, 0.05
    while time.monotonic() < deadline:
        if feeder.error is not None:
            raise feeder.error
        if process.poll() is not None:
            raise _reason(root)
        # The role that backs up may be younger than the moment; the other is what initdb calls the first one.
        for user in (access.user, "postgres"):
            with contextlib.suppress(psycopg.OperationalError):
                return replace(access, user=_superuser(access, user))
        beat()
        time.sleep(delay)
    raise BackupFailed(f"The recovery did not end within {RECOVERY_SECONDS:g} s.")


def _superuser(access: Access, user: str) -> str:
    """The role every database begins with; whoever reaches this socket may be anybody."""
    with psycopg.connect(
        host=access.host, port=access.port, user=user, dbname="postgres", connect_timeout=5
    ) as connection:
        row: Any = connection.execute("SELECT rolname FROM pg_roles WHERE oid = 10").fetchone()
        return str(row[0])


def _reason(root: Path) -> BackupFailed:
    text = (root / "log").read_text(errors="replace")
    if _TOO_SHORT in text:
        return WalMissing("The write-ahead log in the repository ends before that moment.")
    return BackupFailed(f"The server did not recover: {last_lines(text)}")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_socket_folder(place: Path) -> None:
    with contextlib.suppress(OSError):
        name = (place / "socket").read_text()
        if re.fullmatch(rf"{SOCKETS}\w+", name):
            shutil.rmtree(Path(tempfile.gettempdir()) / name, ignore_errors=True)


def _end_postmaster(data: Path) -> None:
    """End the server of a data directory whose restore was killed, if its process is really that server's."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        if str(data).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + 20
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
