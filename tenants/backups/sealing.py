"""How the repository keeps files: compressed, sealed under a key of their own, whole or not there at all.

The file's key is wrapped by the key-encryption key for the file's name in the repository, so a file that was put in
another's place does not open; ``tenants.foundation.crypto.streams`` sees to cuts, swaps and changes within it.
"""

import base64
import contextlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from tenants.backups.errors import BackupBroken
from tenants.foundation.crypto import CryptoError, WrappedKey, length_prefixed, new_key, streams
from tenants.secrets.keys import key_encryption_keys

PART: Final = ".part"
_CONTEXT: Final = b"nts-backup-file"
_STALE_SECONDS: Final = 3600
_PIECE_BYTES: Final = 1024 * 1024
# Level 1: a third of the size at a tenth of the time of the default.
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class FileContext:
    """What a wrapped file key belongs to: one name in the repository."""

    name: str

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        return length_prefixed(_CONTEXT, self.name.encode())


class SealedFile:
    """Writes one file of the repository. It appears under its name when it is closed without an error, on the disk
    and whole; until then, and for ever after a crash, it is only a ``.part``."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self._part = path, path.with_name(path.name + PART)
        self.plain_bytes = 0
        key = new_key()
        wrapped = key_encryption_keys().wrap(key, FileContext(name))
        header = {"key_id": wrapped.kek_id, "key": base64.b64encode(wrapped.blob).decode()}
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "wb")
        self._sealed = streams.SealedWriter(self._file, key=key, sealed_key=json.dumps(header).encode())
        self._packer = zlib.compressobj(_LEVEL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def write(self, data: bytes) -> None:
        """Add to the file."""
        self.plain_bytes += len(data)
        self._sealed.write(self._packer.compress(data))

    def close(self) -> None:
        """Write the end and give the file its name, once it is on the disk."""
        try:
            self._sealed.write(self._packer.flush())
            self._sealed.finish()
            os.fsync(self._file.fileno())
            self._file.close()
        except BaseException:
            self.abandon()
            raise
        self._part.replace(self.path)
        sync_folder(self.path.parent)

    def abandon(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):  # closing writes what is left, on a disk that may be full
            self._file.close()
        self._part.unlink(missing_ok=True)


def read_sealed(path: Path, name: str) -> Iterator[bytes]:
    """The content of a sealed file, piece by piece, in constant memory.

    Raises: BackupBroken when it is missing, cut, altered, another file's, or its key is not configured. What was
    yielded before was authentic, but only the end of the iteration says that the file was whole.
    """
    try:
        with path.open("rb") as file:
            key = _file_key(file, path, name)
            yield from _unpacked(streams.opened_pieces(file, key=key), path)
    except FileNotFoundError as error:
        raise BackupBroken(f"{path.name} is missing from the repository.") from error
    except (CryptoError, zlib.error) as error:
        raise BackupBroken(f"{path.name} cannot be read: {error}") from error


def read_small(path: Path, name: str) -> bytes:
    """The whole content of a small sealed file. Raises: BackupBroken."""
    return b"".join(read_sealed(path, name))


def write_small(path: Path, name: str, data: bytes) -> None:
    """Seal a small file."""
    with SealedFile(path, name) as file:
        file.write(data)


def _file_key(file: IO[bytes], path: Path, name: str) -> bytes:
    try:
        values = json.loads(streams.sealed_key_of(file))
        wrapped = WrappedKey(str(values["key_id"]), base64.b64decode(values["key"], validate=True))
    except (ValueError, KeyError, TypeError) as error:
        raise BackupBroken(f"The header of {path.name} was altered or cut.") from error
    return key_encryption_keys().unwrap(wrapped, FileContext(name))


def _unpacked(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    for piece in pieces:
        rest = piece
        while rest:
            plain = unpacker.decompress(rest, _PIECE_BYTES)
            rest = unpacker.unconsumed_tail
            if plain:
                yield plain
    if tail := unpacker.flush():
        yield tail
    if not unpacker.eof:
        raise BackupBroken(f"{path.name} was cut short.")


def remove_stale(folder: Path) -> None:
    """Remove what writers that crashed have left in a folder; a part that grew lately may still be written."""
    old = time.time() - _STALE_SECONDS
    for path in folder.glob(f"*{PART}"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < old:
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
