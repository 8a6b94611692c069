"""Envelope encryption and values that do not show themselves; it knows no tables."""

from tenants.foundation.crypto.envelope import (
    OVERHEAD_BYTES,
    DataKeyLoader,
    DataKeys,
    Envelope,
    Place,
    StoredDataKey,
    key_version,
)
from tenants.foundation.crypto.keys import (
    CryptoError,
    KeyContext,
    KeyEncryptionKeys,
    KeysMisconfigured,
    LocalKeys,
    WrapContext,
    WrappedKey,
    keys_from_file,
    keys_from_text,
    length_prefixed,
    new_key,
    new_key_entry,
    rewrap,
)
from tenants.foundation.crypto.secret import MASK, Secret

__all__ = [
    "MASK",
    "OVERHEAD_BYTES",
    "CryptoError",
    "DataKeyLoader",
    "DataKeys",
    "Envelope",
    "KeyContext",
    "KeyEncryptionKeys",
    "KeysMisconfigured",
    "LocalKeys",
    "Place",
    "Secret",
    "StoredDataKey",
    "WrapContext",
    "WrappedKey",
    "key_version",
    "keys_from_file",
    "keys_from_text",
    "length_prefixed",
    "new_key",
    "new_key_entry",
    "rewrap",
]
