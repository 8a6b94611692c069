"""A chain of backups becomes a data directory: decrypted, unpacked, combined and compared with its manifest."""

import hashlib
import os
import pwd
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final, cast

from django.conf import settings

from tenants.backups.errors import BackupBroken, BackupFailed
from tenants.backups.repository import DATA, MANIFEST, StoredBackup
from tenants.backups.sealing import read_sealed
from tenants.backups.servers import run_program

_READ_BYTES: Final = 1024 * 1024
PROGRAM_SECONDS: Final = 3600.0


def lay_out(chain: list[StoredBackup], root: Path, *, beat: Callable[[], None] = lambda: None) -> Path:
    """Make ``root/data`` of a chain (the full backup first) and verify it; returns the folder.

    Raises: BackupBroken, BackupFailed (no room, or the content differs from the manifest).
    """
    require_room(root, sum(backup.plain_bytes for backup in chain) * 2)
    layers = []
    for number, backup in enumerate(chain):
        layer = root / f"layer-{number}"
        unpack(backup, layer, beat=beat)
        layers.append(layer)
    data = root / "data"
    if len(layers) == 1:
        layers[0].rename(data)
    else:
        # The combined directory is made by the account that owns the layers.
        room = make_folder(root / "combined")
        arguments = [*map(str, layers), f"--output={room / 'data'}", "--link", "--no-sync"]
        run_program("pg_combinebackup", arguments, seconds=PROGRAM_SECONDS, cwd=room)
        (room / "data").rename(data)
        for layer in layers:
            shutil.rmtree(layer)
    beat()
    verify_directory(data)
    return data


def verify_directory(data: Path) -> None:
    """Compare every file with the manifest that lies beside them. Raises: BackupBroken."""
    try:
        run_program(
            "pg_verifybackup", ["--no-parse-wal", "--quiet", str(data)], seconds=PROGRAM_SECONDS, cwd=data
        )
    except BackupFailed as error:
        raise BackupBroken(f"The backup's content is not what its manifest says. {error.message}") from error


def unpack(backup: StoredBackup, folder: Path, *, beat: Callable[[], None] = lambda: None) -> None:
    """Decrypt and unpack one backup. Raises: BackupBroken, BackupFailed when there is no room."""
    make_folder(folder)
    stream = _Stream(read_sealed(backup.folder / DATA, backup.name_of(DATA)), beat)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", bufsize=_READ_BYTES) as tar:
            tar.extractall(folder, filter=_owned_by_the_server)  # noqa: S202 - the filter is stricter than the default
        stream.drain()
    except tarfile.TarError as error:
        raise BackupBroken(f"The backup {backup.id} cannot be unpacked: {error}") from error
    except OSError as error:
        raise BackupFailed(f"The backup could not be unpacked: {error.strerror}.") from error
    manifest = folder / MANIFEST
    if not manifest.exists() or _sha256(manifest) != backup.manifest_sha256:
        raise BackupBroken(f"The manifest of the backup {backup.id} is not the one it was taken with.")


def make_folder(folder: Path) -> Path:
    """Make a folder that only the server's account can enter."""
    folder.mkdir(mode=0o700)
    if settings.POSTGRES_ACCOUNT:
        shutil.chown(folder, settings.POSTGRES_ACCOUNT)
    return folder


def require_room(folder: Path, wanted_bytes: int) -> None:
    """Refuse before anything is written what would not fit. Raises: BackupFailed."""
    free = shutil.disk_usage(folder).free
    if free < wanted_bytes:
        raise BackupFailed(
            f"Restoring needs about {wanted_bytes // 2**20:,} MB in BACKUP_SCRATCH_DIR; "
            f"{free // 2**20:,} MB are free."
        )


def _owned_by_the_server(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
    safe = tarfile.data_filter(member, path)
    if not (safe.isfile() or safe.isdir()):
        raise BackupBroken(f"The backup holds {member.name}, which is neither a file nor a folder.")
    owner = pwd.getpwnam(settings.POSTGRES_ACCOUNT) if settings.POSTGRES_ACCOUNT else None
    return safe.replace(
        mode=0o700 if safe.isdir() else 0o600,
        uid=owner.pw_uid if owner else os.geteuid(),
        gid=owner.pw_gid if owner else os.getegid(),
        uname="",
        gname="",
        deep=False,
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Stream:
    """Pieces as a file that tarfile reads."""

    def __init__(self, pieces: Iterator[bytes], beat: Callable[[], None]) -> None:
        self._pieces, self._beat, self._rest = pieces, beat, b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
            self._beat()
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def drain(self) -> None:
        """Read to the very end: only that says that the file was whole."""
        while self.read(_READ_BYTES):
            pass
