"""Envelope encryption: values sealed by a tenant's data key and bound to the very cell they lie in."""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenants.foundation.crypto.keys import (
    NONCE_BYTES,
    CryptoError,
    KeyContext,
    KeyEncryptionKeys,
    WrappedKey,
    length_prefixed,
)
from tenants.foundation.crypto.secret import Secret

FORMAT_VERSION: Final = 0x01
_HEADER_BYTES: Final = 1 + 4
_TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = _HEADER_BYTES + NONCE_BYTES + _TAG_BYTES
_MAGIC: Final = b"nts-envelope"

# A key may outlive its destruction in a process's memory for this long, and no longer.
MAX_CACHE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The cell of a table a value lies in. The row's key must be known before the value is sealed."""

    tenant_id: UUID
    table: str
    column: str
    row_id: UUID

    def as_bytes(self) -> bytes:
        """Return the place in the form it is authenticated in."""
        return length_prefixed(
            _MAGIC, self.tenant_id.bytes, self.table.encode(), self.column.encode(), self.row_id.bytes
        )


@dataclass(frozen=True, slots=True)
class StoredDataKey:
    """A tenant's data key as the control plane keeps it."""

    version: int
    wrapped: WrappedKey


class DataKeyLoader(Protocol):
    """Finds a tenant's wrapped data key: the active one, or the one of a version."""

    def __call__(self, tenant_id: UUID, version: int | None) -> StoredDataKey | None:
        """Return the key, or None when there is none or it was destroyed."""
        ...


@dataclass(frozen=True, slots=True)
class _Cached[T]:
    value: T
    expires_at: float


class _BoundedCache[K, T]:
    """A thread-safe cache with a limit in number and in time."""

    def __init__(self, *, max_entries: int, seconds: float, clock: Callable[[], float]) -> None:
        self._entries: OrderedDict[K, _Cached[T]] = OrderedDict()
        self._lock = threading.Lock()
        self._max_entries = max_entries
        self._seconds = min(seconds, MAX_CACHE_SECONDS)
        self._clock = clock

    def get(self, key: K) -> T | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            if entry.expires_at <= self._clock():
                del self._entries[key]
                return None
            self._entries.move_to_end(key)
            return entry.value

    def put(self, key: K, value: T) -> None:
        with self._lock:
            self._entries[key] = _Cached(value, self._clock() + self._seconds)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def drop(self, matches: Callable[[K], bool]) -> None:
        with self._lock:
            for key in [key for key in self._entries if matches(key)]:
                del self._entries[key]

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)


class DataKeys:
    """The unwrapped data keys of this process: a bounded cache, at most five minutes old, fed by a loader."""

    def __init__(
        self,
        *,
        loader: DataKeyLoader,
        keys: KeyEncryptionKeys,
        max_entries: int = 1024,
        seconds: float = MAX_CACHE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._keys = keys
        self._unwrapped: _BoundedCache[tuple[UUID, int], bytes] = _BoundedCache(
            max_entries=max_entries, seconds=seconds, clock=clock
        )
        self._active: _BoundedCache[UUID, int] = _BoundedCache(
            max_entries=max_entries, seconds=seconds, clock=clock
        )

    def __repr__(self) -> str:
        return f"DataKeys({len(self._unwrapped)} cached)"

    def active(self, tenant_id: UUID) -> tuple[int, bytes]:
        """Return version and bytes of the key that seals now. Raises: CryptoError when there is none."""
        version = self._active.get(tenant_id)
        if version is None:
            stored = self._load(tenant_id, None)
            version = stored.version
            self._active.put(tenant_id, version)
            return version, self._unwrap(tenant_id, stored)
        return version, self.of_version(tenant_id, version)

    def of_version(self, tenant_id: UUID, version: int) -> bytes:
        """Return the key of a version. Raises: CryptoError when it does not exist or was destroyed."""
        key = self._unwrapped.get((tenant_id, version))
        return key if key is not None else self._unwrap(tenant_id, self._load(tenant_id, version))

    def forget(self, tenant_id: UUID) -> None:
        """Drop what is cached of a tenant, after its keys were rotated or destroyed."""
        self._active.drop(lambda key: key == tenant_id)
        self._unwrapped.drop(lambda key: key[0] == tenant_id)

    def _load(self, tenant_id: UUID, version: int | None) -> StoredDataKey:
        stored = self._loader(tenant_id, version)
        if stored is None:
            msg = "The key of this value does not exist or was destroyed."
            raise CryptoError(msg, code="crypto_error.no_key", params={"version": version})
        return stored

    def _unwrap(self, tenant_id: UUID, stored: StoredDataKey) -> bytes:
        key = self._keys.unwrap(stored.wrapped, KeyContext(tenant_id, stored.version))
        self._unwrapped.put((tenant_id, stored.version), key)
        return key


class Envelope:
    """Seals and opens values.

    Sealed form: 0x01 | u32 key version | 12 B nonce | ciphertext and tag; 33 bytes more than the text.
    """

    def __init__(self, data_keys: DataKeys) -> None:
        self._data_keys = data_keys

    def seal(self, value: Secret | str, place: Place) -> bytes:
        """Encrypt a text for one place. Raises: CryptoError when the tenant has no active key."""
        version, key = self._data_keys.active(place.tenant_id)
        plain = value.reveal() if isinstance(value, Secret) else value
        nonce = os.urandom(NONCE_BYTES)
        header = bytes([FORMAT_VERSION]) + version.to_bytes(4)
        return header + nonce + AESGCM(key).encrypt(nonce, plain.encode(), header + place.as_bytes())

    def open(self, sealed: bytes | memoryview, place: Place) -> Secret:
        """Decrypt a value at its place.

        Raises: CryptoError when it was cut, altered, sealed for another place, or its key is gone.
        """
        blob = bytes(sealed)
        version = key_version(blob)
        key = self._data_keys.of_version(place.tenant_id, version)
        nonce = blob[_HEADER_BYTES : _HEADER_BYTES + NONCE_BYTES]
        try:
            plain = AESGCM(key).decrypt(
                nonce, blob[_HEADER_BYTES + NONCE_BYTES :], blob[:_HEADER_BYTES] + place.as_bytes()
            )
        except InvalidTag as error:
            msg = "A protected value was altered or does not belong where it lies."
            raise CryptoError(
                msg, code="crypto_error.wrong_place", params={"table": place.table, "column": place.column}
            ) from error
        return Secret(plain.decode())

    def is_stale(self, sealed: bytes | memoryview, tenant_id: UUID) -> bool:
        """Say whether a value is sealed by another than the tenant's active key. Raises: CryptoError."""
        return key_version(sealed) != self._data_keys.active(tenant_id)[0]


def key_version(sealed: bytes | memoryview) -> int:
    """Return the version of the data key that sealed a value. Raises: CryptoError for an unknown form."""
    blob = bytes(sealed)
    if len(blob) < OVERHEAD_BYTES:
        msg = "A protected value was cut short."
        raise CryptoError(msg, code="crypto_error.truncated")
    if blob[0] != FORMAT_VERSION:
        msg = "A protected value has an unknown form."
        raise CryptoError(msg, code="crypto_error.unknown_format")
    return int.from_bytes(blob[1:_HEADER_BYTES])
