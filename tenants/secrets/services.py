"""Putting secrets into the vault, taking them out, and changing the keys they lie under."""

from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from tenants.foundation.crypto import (
    KeyContext,
    Place,
    WrappedKey,
    key_version,
    new_key,
    rewrap,
)
from tenants.foundation.crypto import Secret as SecretValue
from tenants.foundation.errors import InvalidInput, NotFound
from tenants.foundation.ids import uuid7
from tenants.models import DataKey, Tenant
from tenants.secrets.keys import data_keys, envelope, key_encryption_keys, provider_name
from tenants.secrets.models import Secret
from tenants.tenancy import atomic, current_tenant

log = structlog.get_logger(__name__)

MAX_SECRET_CHARACTERS = 16_384
# The end of a short secret would be a large part of it.
_SHOW_LAST_FROM = 16
CONTROL_PLANE = "default"


@atomic
def store_secret(
    *, name: str, owner_table: str, owner_id: UUID, value: SecretValue | str, actor: object
) -> Secret:
    """Seal a value for one owner; a second value of the same name takes the first one's place.

    Whoever calls has asked for permission: the vault does not know what its values are for.
    Raises: InvalidInput (empty or too long), CryptoError (no key).
    """
    plain = _checked(value)
    secret = (
        Secret.objects.select_for_update()
        .filter(owner_table=owner_table, owner_id=owner_id, name=name)
        .first()
    )
    if secret is not None:
        return rotate_secret(secret=secret, value=plain, actor=actor)
    secret = Secret(id=uuid7(), name=name, owner_table=owner_table, owner_id=owner_id)
    _seal(secret, plain)
    secret.save(force_insert=True)
    log.info("secret.stored", name=name, owner_table=owner_table, owner_id=owner_id, by=_name(actor))
    return secret


@atomic
def rotate_secret(*, secret: Secret, value: SecretValue | str, actor: object) -> Secret:
    """Replace a secret's value; its id, and so every reference to it, stays.

    Raises: InvalidInput (empty or too long), CryptoError (no key).
    """
    _seal(secret, _checked(value))
    secret.rotated_at = timezone.now()
    secret.save(update_fields=["sealed", "key_version", "last4", "rotated_at"])
    log.info("secret.rotated", name=secret.name, owner_table=secret.owner_table, by=_name(actor))
    return secret


@atomic
def reveal_secret(secret_id: UUID) -> SecretValue:
    """Open a secret. What comes back still prints as `***`; `.reveal()` gives the text.

    Raises: NotFound, CryptoError (altered, moved, or its key destroyed).
    """
    secret = Secret.objects.filter(pk=secret_id).first()
    if secret is None:
        raise NotFound("This secret is not in the vault.", code="not_found.secret")
    return envelope().open(secret.sealed, _place(secret))


@atomic
def reveal_secrets(*, owner_table: str, owner_id: UUID) -> dict[str, SecretValue]:
    """Open everything that was stored for one owner, by name. Raises: CryptoError."""
    rows = Secret.objects.filter(owner_table=owner_table, owner_id=owner_id)
    return {row.name: envelope().open(row.sealed, _place(row)) for row in rows}


@atomic
def delete_owners_secrets(*, owner_table: str, owner_id: UUID) -> int:
    """Take everything of one owner out of the vault for good; return how many values it were."""
    return Secret.objects.filter(owner_table=owner_table, owner_id=owner_id).delete()[0]


@atomic
def delete_secret(*, secret_id: UUID, actor: object) -> None:
    """Take a secret out of the vault for good; one that is gone already is no error."""
    deleted, _ = Secret.objects.filter(pk=secret_id).delete()
    if deleted:
        log.info("secret.deleted", secret_id=secret_id, by=_name(actor))


def ensure_data_key(tenant: Tenant) -> None:
    """Give a tenant its first data key, unless it has one (control plane; needs no tenant's scope).

    Raises: KeysMisconfigured.
    """
    with transaction.atomic(using=CONTROL_PLANE):
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if not DataKey.objects.filter(tenant=tenant).exists():
            _new_data_key(tenant.pk, version=1)


def rotate_data_key(tenant_id: UUID) -> int:
    """Make a new data key the active one and return its version; old values stay readable until resealed.

    Raises: NotFound, KeysMisconfigured.
    """
    with transaction.atomic(using=CONTROL_PLANE):
        keys = list(DataKey.objects.select_for_update().filter(tenant_id=tenant_id).order_by("-version"))
        if not keys:
            raise NotFound("This company has no data key.", code="not_found.data_key")
        DataKey.objects.filter(tenant_id=tenant_id, state=DataKey.State.ACTIVE).update(
            state=DataKey.State.DECRYPT_ONLY
        )
        version = keys[0].version + 1
        _new_data_key(tenant_id, version=version)
    data_keys().forget(tenant_id)
    log.info("data_key.rotated", tenant_id=tenant_id, version=version)
    return version


@atomic
def reseal_stale_secrets(*, limit: int = 500) -> int:
    """Bring up to `limit` values of the current tenant under its active data key; return how many it were.

    Rows others are at work on are left for the next call. Call again until it returns 0.
    Raises: CryptoError.
    """
    version, _ = data_keys().active(current_tenant().id)
    stale = Secret.objects.select_for_update(skip_locked=True).exclude(key_version=version)[:limit]
    resealed = 0
    for secret in stale:
        place = _place(secret)
        secret.sealed = envelope().seal(envelope().open(secret.sealed, place), place)
        secret.key_version = key_version(secret.sealed)
        secret.save(update_fields=["sealed", "key_version"])
        resealed += 1
    return resealed


def rewrap_data_keys() -> int:
    """Bring every tenant's data keys under the current key-encryption key; return how many were changed.

    No value is touched: after this the old key-encryption key can be taken out of the configuration.
    Raises: CryptoError when a key is under one that is not configured.
    """
    keys = key_encryption_keys()
    changed = 0
    with transaction.atomic(using=CONTROL_PLANE):
        rows = DataKey.objects.select_for_update().exclude(kek_id=keys.current_id)
        for row in rows.exclude(state=DataKey.State.DESTROYED):
            wrapped = rewrap(
                WrappedKey(row.kek_id, bytes(row.wrapped)), KeyContext(row.tenant_id, row.version), keys
            )
            row.kek_provider, row.kek_id, row.wrapped = provider_name(), wrapped.kek_id, wrapped.blob
            row.save(update_fields=["kek_provider", "kek_id", "wrapped"])
            changed += 1
    log.info("data_keys.rewrapped", count=changed, kek_id=keys.current_id)
    return changed


def _new_data_key(tenant_id: UUID, *, version: int) -> None:
    wrapped = key_encryption_keys().wrap(new_key(), KeyContext(tenant_id, version))
    DataKey.objects.create(
        tenant_id=tenant_id,
        version=version,
        kek_provider=provider_name(),
        kek_id=wrapped.kek_id,
        wrapped=wrapped.blob,
        state=DataKey.State.ACTIVE,
    )


def _seal(secret: Secret, plain: str) -> None:
    secret.sealed = envelope().seal(plain, _place(secret))
    secret.key_version = key_version(secret.sealed)
    secret.last4 = plain[-4:] if len(plain) >= _SHOW_LAST_FROM else ""


def _place(secret: Secret) -> Place:
    return Place(
        tenant_id=current_tenant().id, table=Secret._meta.db_table, column="sealed", row_id=secret.pk
    )


def _checked(value: SecretValue | str) -> str:
    plain = value.reveal() if isinstance(value, SecretValue) else value
    if not plain.strip():
        raise InvalidInput("A secret cannot be empty.", code="invalid_input.empty_secret")
    if len(plain) > MAX_SECRET_CHARACTERS:
        raise InvalidInput("This is too long for a secret.", code="invalid_input.long_secret")
    return plain


def _name(actor: object) -> str:
    return str(getattr(actor, "name", "") or type(actor).__name__)
