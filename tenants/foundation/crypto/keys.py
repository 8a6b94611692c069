"""Key-encryption keys: where they come from, and how they wrap the data keys of tenants."""

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenants.foundation.errors import DomainError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_WRAP_FORMAT: Final = b"\x01"
_WRAP_MAGIC: Final = b"nts-wrapped-data-key"


class CryptoError(DomainError):
    """Something encrypted cannot be read, or a key is missing. Never the caller's fault."""

    default_code = "crypto_error"
    default_message = "A protected value cannot be read."


class KeysMisconfigured(CryptoError):
    """The configured key-encryption keys cannot be used; the message says what to set."""

    default_code = "crypto_error.misconfigured"


def length_prefixed(*parts: bytes) -> bytes:
    """Join parts so that no two different lists give the same bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)


class WrapContext(Protocol):
    """What a wrapped key belongs to; wrapped for one thing it does not open for another."""

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        ...


@dataclass(frozen=True, slots=True)
class KeyContext:
    """What a wrapped data key belongs to; wrapped for one tenant it does not open for another."""

    tenant_id: UUID
    version: int

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        return length_prefixed(_WRAP_MAGIC, self.tenant_id.bytes, self.version.to_bytes(4))


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key encrypted by the key-encryption key `kek_id`."""

    kek_id: str
    blob: bytes


class KeyEncryptionKeys(Protocol):
    """A provider of key-encryption keys: this process's own, or a key service."""

    @property
    def current_id(self) -> str:
        """The id of the key that wraps from now on."""
        ...

    def wrap(self, data_key: bytes, context: WrapContext) -> WrappedKey:
        """Encrypt a data key with the current key."""
        ...

    def unwrap(self, wrapped: WrappedKey, context: WrapContext) -> bytes:
        """Decrypt a data key. Raises: CryptoError when the key is unknown or the context differs."""
        ...


class LocalKeys:
    """Key-encryption keys held in this process's memory (AES-256-GCM); the first is the current one."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            msg = "There is no key-encryption key. Set one: 32 random bytes in base64, or `id:base64`."
            raise KeysMisconfigured(msg)
        for key_id, key in keys.items():
            if len(key) != KEY_BYTES:
                msg = f"The key-encryption key {key_id!r} has {len(key)} bytes; it needs {KEY_BYTES}."
                raise KeysMisconfigured(msg)
        self._keys = dict(keys)
        self._current_id = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"LocalKeys({', '.join(self._keys)})"

    @property
    def current_id(self) -> str:
        """The id of the first key."""
        return self._current_id

    def wrap(self, data_key: bytes, context: WrapContext) -> WrappedKey:
        """Encrypt a data key: 0x01 | 12 B nonce | ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._keys[self._current_id]).encrypt(nonce, data_key, context.as_bytes())
        return WrappedKey(kek_id=self._current_id, blob=_WRAP_FORMAT + nonce + sealed)

    def unwrap(self, wrapped: WrappedKey, context: WrapContext) -> bytes:
        """Decrypt a data key. Raises: CryptoError when the key is unknown, the blob or the context wrong."""
        key = self._keys.get(wrapped.kek_id)
        if key is None:
            msg = f"The key-encryption key {wrapped.kek_id!r} is not configured."
            raise KeysMisconfigured(msg)
        blob = bytes(wrapped.blob)
        if blob[:1] != _WRAP_FORMAT:
            msg = "A wrapped data key has an unknown form."
            raise CryptoError(msg, code="crypto_error.unknown_format")
        nonce, sealed = blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :]
        try:
            return AESGCM(key).decrypt(nonce, sealed, context.as_bytes())
        except (InvalidTag, ValueError) as error:
            msg = "A wrapped data key does not belong here or was altered."
            raise CryptoError(msg, code="crypto_error.wrong_place") from error


def parse_keys(text: str) -> dict[str, bytes]:
    """Parse `id:base64` entries, separated by commas or line ends; `#` starts a comment line.

    An entry without an id gets one made of the key's fingerprint.
    Raises: KeysMisconfigured, naming the entry by its place and never by its content.
    """
    keys: dict[str, bytes] = {}
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    entries = [entry.strip() for entry in ",".join(lines).split(",") if entry.strip()]
    for number, entry in enumerate(entries, start=1):
        key_id, separator, encoded = entry.rpartition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            msg = f"Entry {number} of the key-encryption keys is not base64."
            raise KeysMisconfigured(msg) from error
        if not separator:
            key_id = f"k-{hashlib.sha256(key).hexdigest()[:12]}"
        if not key_id.replace("-", "").replace("_", "").isalnum():
            msg = f"Entry {number} of the key-encryption keys is not of the form `id:base64`."
            raise KeysMisconfigured(msg)
        if key_id in keys:
            msg = f"The key-encryption key {key_id!r} is given twice."
            raise KeysMisconfigured(msg)
        keys[key_id] = key
    return keys


def keys_from_text(text: str) -> LocalKeys:
    """Make a provider from the text of a setting. Raises: KeysMisconfigured."""
    return LocalKeys(parse_keys(text))


def keys_from_file(path: Path) -> LocalKeys:
    """Make a provider from a file that only its owner can read (0400 or 0600).

    Raises: KeysMisconfigured when the file is missing, open to others or badly written.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o177:
            msg = f"The key file {path} is open to others. Set its mode to 0400."
            raise KeysMisconfigured(msg)
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"The key file {path} cannot be read."
        raise KeysMisconfigured(msg) from error
    return keys_from_text(text)


def new_key() -> bytes:
    """Make a random 256-bit key."""
    return os.urandom(KEY_BYTES)


def new_key_entry(key_id: str) -> str:
    """Make an `id:base64` entry for the configuration."""
    return f"{key_id}:{base64.b64encode(new_key()).decode('ascii')}"


def rewrap(wrapped: WrappedKey, context: WrapContext, keys: KeyEncryptionKeys) -> WrappedKey:
    """Bring a wrapped data key under the current key-encryption key; the data key itself stays the same.

    A key that is already under the current one is returned unchanged. Raises: CryptoError.
    """
    if wrapped.kek_id == keys.current_id:
        return wrapped
    return keys.wrap(keys.unwrap(wrapped, context), context)
