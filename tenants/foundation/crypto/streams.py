"""Files sealed piece by piece (AES-256-GCM), written and read in constant memory.

A file is a header and pieces of 64 KiB. Each piece's nonce is the file's own prefix, the piece's number and whether it
is the last, so that pieces can be neither swapped nor left out nor cut off at the end without being noticed.
"""

import os
from collections.abc import Buffer, Iterator
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenants.foundation.crypto.keys import CryptoError

PIECE_BYTES: Final = 64 * 1024
_MAGIC: Final = b"nts-sealed-file\x01"
_PREFIX_BYTES: Final = 7
_TAG_BYTES: Final = 16
_LENGTH_BYTES: Final = 4
_LONGEST_KEY: Final = 4096


class SealedWriter:
    """Encrypts what is written to it. Only :meth:`finish` makes the file whole: one that was given up stays cut off.

    ``sealed_key`` is stored in the header in the clear: it is the file's key, sealed by somebody else's.
    """

    def __init__(self, below: IO[bytes], *, key: bytes, sealed_key: bytes) -> None:
        self._below, self._cipher = below, AESGCM(key)
        self._prefix, self._number, self._rest = os.urandom(_PREFIX_BYTES), 0, bytearray()
        self._header = _MAGIC + len(sealed_key).to_bytes(_LENGTH_BYTES) + sealed_key + self._prefix
        below.write(self._header)

    def write(self, data: Buffer) -> int:
        """Take bytes in; whole pieces go on at once."""
        given = memoryview(data)
        self._rest += given
        # One byte is kept back: only at the end is it known which piece is the last.
        while len(self._rest) > PIECE_BYTES:
            self._seal(bytes(self._rest[:PIECE_BYTES]), is_last=False)
            del self._rest[:PIECE_BYTES]
        return given.nbytes

    def finish(self) -> None:
        """Write the last piece; nothing may follow. The file below stays open."""
        self._seal(bytes(self._rest), is_last=True)
        self._below.flush()

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        self._below.write(
            self._cipher.encrypt(_nonce(self._prefix, self._number, is_last=is_last), piece, self._header)
        )
        self._number += 1


def sealed_key_of(file: IO[bytes]) -> bytes:
    """The sealed key in a file's header; the file stands behind it then. Raises: CryptoError."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise CryptoError("This is not a sealed file.", code="crypto_error.unknown_format")
    length = int.from_bytes(file.read(_LENGTH_BYTES))
    if length > _LONGEST_KEY:
        raise CryptoError("This is not a sealed file.", code="crypto_error.unknown_format")
    return file.read(length)


def opened_pieces(file: IO[bytes], *, key: bytes) -> Iterator[bytes]:
    """The content of a sealed file, a piece at a time; the file stands behind its sealed key.

    Raises: CryptoError at the first piece that was altered, moved or left out, or where the end is missing.
    """
    length = file.tell()
    prefix = file.read(_PREFIX_BYTES)
    file.seek(0)
    header = file.read(length + _PREFIX_BYTES)
    cipher, number = AESGCM(key), 0
    piece = file.read(PIECE_BYTES + _TAG_BYTES)
    while True:
        following = file.read(PIECE_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(prefix, number, is_last=not following), piece, header)
        except (InvalidTag, ValueError) as error:
            raise CryptoError("A sealed file was altered or cut.", code="crypto_error.wrong_place") from error
        if not following:
            return
        piece, number = following, number + 1


def _nonce(prefix: bytes, number: int, *, is_last: bool) -> bytes:
    return prefix + number.to_bytes(4) + bytes([is_last])
