"""Keyed hashes of the secrets we hand out: what is stored is worthless without pepper and tenant."""

import hashlib
import hmac
import secrets
import string
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tenants.tenancy import current_tenant

_ALPHABET: Final = string.digits + string.ascii_letters
_SECRET_LENGTH: Final = 43
_PUBLIC_ID_LENGTH: Final = 12


def keyed_hash(purpose: str, secret: str) -> bytes:
    """Return HMAC-SHA256 of a secret for one purpose in the current tenant (32 bytes).

    A fast hash is right here: the secrets are random and 256 bits long. A row copied into another tenant's
    schema does not match there. Raises: ImproperlyConfigured without TOKEN_PEPPER.
    """
    pepper = settings.TOKEN_PEPPER
    if not pepper:
        msg = "Set TOKEN_PEPPER to a random string; it keys the hashes of API tokens and invitations."
        raise ImproperlyConfigured(msg)
    message = b"\0".join([purpose.encode(), current_tenant().id.bytes, secret.encode()])
    return hmac.new(pepper.encode(), message, hashlib.sha256).digest()


def matches(stored: bytes | memoryview, purpose: str, secret: str) -> bool:
    """Compare a secret with a stored hash, in a time that tells nothing."""
    return hmac.compare_digest(bytes(stored), keyed_hash(purpose, secret))


def random_secret() -> str:
    """Return 43 random letters and digits: 256 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))


def random_public_id() -> str:
    """Return 12 random letters and digits: enough to find a row by."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_PUBLIC_ID_LENGTH))
