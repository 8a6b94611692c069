"""Signs what the platform hands out, with a key of its own that the key-encryption keys wrap."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from tenants.foundation import signing
from tenants.foundation.crypto import WrappedKey, length_prefixed, rewrap
from tenants.foundation.errors import InvalidInput
from tenants.foundation.ids import uuid7
from tenants.foundation.signing import SignatureInvalid, SignedDocument
from tenants.models import SigningKey
from tenants.secrets.keys import key_encryption_keys

log = structlog.get_logger(__name__)
CONTROL_PLANE: Final = "default"
_MAGIC: Final = b"nts-signing-key"


@dataclass(frozen=True, slots=True)
class SigningKeyContext:
    """What a wrapped private key belongs to: it opens as this signing key and as nothing else."""

    key_id: UUID

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        return length_prefixed(_MAGIC, self.key_id.bytes)


def sign_document(document: Mapping[str, Any]) -> SignedDocument:
    """Sign a document (text, whole numbers, truth values, lists, mappings; ``kind`` says what it is).

    Raises: InvalidInput, KeysMisconfigured, CryptoError.
    """
    key = active_signing_key()
    private = key_encryption_keys().unwrap(
        WrappedKey(key.kek_id, bytes(key.wrapped_private)), SigningKeyContext(key.pk)
    )
    return signing.sign(document, private=private, key_id=str(key.pk))


def verify_document(signed: SignedDocument) -> None:
    """Say nothing when one of the platform's keys, present or past, made the signature.

    Raises: SignatureInvalid (altered, or an unknown key), InvalidInput.
    """
    try:
        key = SigningKey.objects.filter(pk=UUID(signed.key_id)).first()
    except ValueError:
        key = None
    if key is None:
        raise SignatureInvalid("No key of this platform has this id.", code="signature_invalid.unknown_key")
    signing.check(signed, public=bytes(key.public))


def active_signing_key() -> SigningKey:
    """The key that signs now, made at first use; two processes that make it at once end up with one."""
    key = SigningKey.objects.filter(is_active=True).first()
    if key is not None:
        return key
    try:
        with transaction.atomic(using=CONTROL_PLANE):
            return _new_signing_key()
    except IntegrityError:
        return SigningKey.objects.get(is_active=True)


def rotate_signing_key() -> SigningKey:
    """Sign with a new key from now on; what the old ones signed can be verified for ever."""
    with transaction.atomic(using=CONTROL_PLANE):
        list(SigningKey.objects.select_for_update().filter(is_active=True))
        SigningKey.objects.filter(is_active=True).update(is_active=False)
        key = _new_signing_key()
    log.info("signing_key.rotated", key_id=str(key.pk))
    return key


def rewrap_signing_keys() -> int:
    """Bring the private keys under the current key-encryption key; return how many it were. Raises: CryptoError."""
    keys, changed = key_encryption_keys(), 0
    with transaction.atomic(using=CONTROL_PLANE):
        for row in SigningKey.objects.select_for_update().exclude(kek_id=keys.current_id):
            wrapped = rewrap(
                WrappedKey(row.kek_id, bytes(row.wrapped_private)), SigningKeyContext(row.pk), keys
            )
            row.kek_id, row.wrapped_private = wrapped.kek_id, wrapped.blob
            row.save(update_fields=["kek_id", "wrapped_private"])
            changed += 1
    return changed


def public_keys() -> dict[str, Any]:
    """Every public key there was, as a JSON Web Key Set (RFC 7517, RFC 8037); the one that signs now comes first."""
    rows = SigningKey.objects.order_by("-is_active", "-created_at")
    return {
        "keys": [
            {
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": str(row.pk),
                "x": base64.urlsafe_b64encode(bytes(row.public)).rstrip(b"=").decode("ascii"),
                "is_active": row.is_active, "created_at": row.created_at.isoformat(),
            }
            for row in rows
        ]
    }  # fmt: skip


def keys_from_set(text: str) -> dict[str, bytes]:
    """Key id → public key from the text of a key set, as :func:`public_keys` gives it. Raises: InvalidInput."""
    try:
        return {
            str(entry["kid"]): base64.urlsafe_b64decode(entry["x"] + "=" * (-len(entry["x"]) % 4))
            for entry in json.loads(text)["keys"]
            if entry.get("crv") == "Ed25519"
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            "These are not signing keys as “manage.py signing_keys --json” prints them."
        ) from error


def _new_signing_key() -> SigningKey:
    private, key_id = signing.new_private_key(), uuid7()
    wrapped = key_encryption_keys().wrap(private, SigningKeyContext(key_id))
    key = SigningKey(
        id=key_id, public=signing.public_key_of(private), kek_id=wrapped.kek_id, wrapped_private=wrapped.blob
    )
    key.save(force_insert=True)
    key.refresh_from_db()
    log.info("signing_key.made", key_id=str(key_id))
    return key
