"""Where finished archives lie: one sealed file each, readable only while the company's data key is."""

import base64
import contextlib
import hashlib
import io
import shutil
from collections.abc import Buffer, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import UUID

from django.conf import settings

from tenants.foundation.crypto import Place
from tenants.foundation.crypto.keys import new_key
from tenants.foundation.crypto.streams import SealedWriter, opened_pieces, sealed_key_of
from tenants.foundation.errors import NotFound
from tenants.secrets.keys import envelope

SUFFIX, UNFINISHED = ".zip.sealed", ".part"
_TABLE, _COLUMN = "export", "file_key"


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished archive: its length and SHA-256 as whoever downloads it sees them."""

    bytes: int
    sha256: str


class Plain(io.RawIOBase):
    """What the archive is written to: counts, hashes and passes on to be sealed."""

    def __init__(self, below: SealedWriter) -> None:
        self._below = below
        self._digest, self._length, self._is_given_up = hashlib.sha256(), 0, False

    def writable(self) -> bool:
        """It is for writing only."""
        return True

    def write(self, data: Buffer) -> int:
        """Take bytes in."""
        if self._is_given_up:
            return memoryview(data).nbytes
        self._digest.update(data)
        written = self._below.write(data)
        self._length += written
        return written

    def give_up(self) -> None:
        """Swallow what the abandoned archive still writes when it is tidied away."""
        self._is_given_up = True

    def kept(self) -> Kept:
        """What was written so far."""
        return Kept(bytes=self._length, sha256=self._digest.hexdigest())


def folder_of(tenant_id: UUID) -> Path:
    """Where a company's archives lie."""
    return Path(settings.EXPORTS_DIR) / str(tenant_id)


def path_of(tenant_id: UUID, export_id: UUID) -> Path:
    """Where one archive lies."""
    return folder_of(tenant_id) / f"{export_id}{SUFFIX}"


@contextmanager
def new_archive(tenant_id: UUID, export_id: UUID) -> Iterator[Plain]:
    """A file to write an archive to; it is there, whole, once the block has ended, and not at all if it fails.

    A first half that a killed process left is written over.
    """
    folder = folder_of(tenant_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = path_of(tenant_id, export_id)
    unfinished = target.with_name(target.name + UNFINISHED)
    key = new_key()
    sealed_key = envelope().seal(base64.b64encode(key).decode("ascii"), _place(tenant_id, export_id))
    try:
        with unfinished.open("wb") as file:
            unfinished.chmod(0o600)
            sealed = SealedWriter(file, key=key, sealed_key=sealed_key)
            plain = Plain(sealed)
            try:
                yield plain
            except BaseException:
                plain.give_up()
                raise
            sealed.finish()
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def open_archive(tenant_id: UUID, export_id: UUID) -> Iterator[bytes]:
    """The archive in parts. Raises: NotFound at once; CryptoError where it was altered, while it is read."""
    try:
        file = path_of(tenant_id, export_id).open("rb")
    except FileNotFoundError as error:
        raise NotFound("This export is not kept any more.", code="exports.gone") from error
    return _pieces(file, tenant_id, export_id)


def remove_archive(tenant_id: UUID, export_id: UUID) -> bool:
    """Remove an archive and what is left of an unfinished one; whether there was one."""
    target = path_of(tenant_id, export_id)
    found = target.exists()
    target.unlink(missing_ok=True)
    target.with_name(target.name + UNFINISHED).unlink(missing_ok=True)
    return found


def count_archives(tenant_id: UUID) -> int:
    """How many finished archives of a company are kept."""
    return sum(1 for _ in folder_of(tenant_id).glob(f"*{SUFFIX}"))


def remove_all_archives(tenant_id: UUID) -> None:
    """Remove a company's archives, finished or not. Raises: OSError."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder_of(tenant_id))


def _pieces(file: IO[bytes], tenant_id: UUID, export_id: UUID) -> Iterator[bytes]:
    with file:
        sealed_key = sealed_key_of(file)
        key = base64.b64decode(envelope().open(sealed_key, _place(tenant_id, export_id)).reveal())
        yield from opened_pieces(file, key=key)


def _place(tenant_id: UUID, export_id: UUID) -> Place:
    return Place(tenant_id=tenant_id, table=_TABLE, column=_COLUMN, row_id=export_id)
