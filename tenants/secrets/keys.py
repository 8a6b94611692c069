"""The keys of this process: the configured key-encryption keys, and the tenants' data keys under them."""

from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.signals import setting_changed

from tenants.foundation.crypto import (
    CryptoError,
    DataKeys,
    Envelope,
    KeyEncryptionKeys,
    KeysMisconfigured,
    StoredDataKey,
    WrappedKey,
    keys_from_file,
    keys_from_text,
)
from tenants.models import DataKey

ENVIRONMENT_PROVIDER = "environment"
FILE_PROVIDER = "file"


def provider_name() -> str:
    """Return where the key-encryption keys come from: `file` when one is configured, else `environment`."""
    return FILE_PROVIDER if settings.KEY_ENCRYPTION_KEY_FILE else ENVIRONMENT_PROVIDER


@lru_cache(maxsize=1)
def key_encryption_keys() -> KeyEncryptionKeys:
    """Return the configured keys, read once. Raises: KeysMisconfigured with a sentence on what to set."""
    if settings.KEY_ENCRYPTION_KEY_FILE:
        return keys_from_file(Path(settings.KEY_ENCRYPTION_KEY_FILE))
    if not settings.KEY_ENCRYPTION_KEY:
        msg = "Set KEY_ENCRYPTION_KEY or KEY_ENCRYPTION_KEY_FILE to 32 random bytes in base64."
        raise KeysMisconfigured(msg)
    return keys_from_text(settings.KEY_ENCRYPTION_KEY)


@lru_cache(maxsize=1)
def data_keys() -> DataKeys:
    """Return this process's cache of unwrapped data keys."""
    return DataKeys(loader=load_data_key, keys=key_encryption_keys())


def envelope() -> Envelope:
    """Return what seals and opens the values of tenants."""
    return Envelope(data_keys())


def load_data_key(tenant_id: UUID, version: int | None) -> StoredDataKey | None:
    """Find a tenant's data key in the control plane: the active one, or a version that may still decrypt."""
    rows = DataKey.objects.filter(tenant_id=tenant_id)
    if version is None:
        row = rows.filter(state=DataKey.State.ACTIVE).first()
    else:
        row = rows.exclude(state=DataKey.State.DESTROYED).filter(version=version).first()
    if row is None:
        return None
    if row.kek_provider not in {ENVIRONMENT_PROVIDER, FILE_PROVIDER}:
        msg = f"The data key's provider {row.kek_provider!r} is not known to this release."
        raise CryptoError(msg)
    return StoredDataKey(row.version, WrappedKey(row.kek_id, bytes(row.wrapped)))


def forget_keys() -> None:
    """Read the configuration and the data keys anew from now on."""
    key_encryption_keys.cache_clear()
    data_keys.cache_clear()


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"KEY_ENCRYPTION_KEY", "KEY_ENCRYPTION_KEY_FILE"}:
        forget_keys()


setting_changed.connect(_on_setting_changed)
