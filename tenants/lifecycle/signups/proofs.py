"""What proves an address and a sign-up: keyed hashes, the six digits of the letter, the token after them."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tenants.accounts.keyed_hashes import random_secret
from tenants.foundation.crypto import Secret, WrappedKey, length_prefixed
from tenants.secrets.keys import key_encryption_keys

TOKEN_PREFIX: Final = "nts_signup_"  # noqa: S105 - what such a token begins with
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class SignupAddress:
    """What a sealed address belongs to: it opens for this sign-up only."""

    signup_id: UUID

    def as_bytes(self) -> bytes:
        """Return the context in the form it is authenticated in."""
        return length_prefixed(b"nts-signup", self.signup_id.bytes)


def digest(purpose: str, text: str) -> bytes:
    """A keyed hash (32 bytes). Raises: ImproperlyConfigured without TOKEN_PEPPER."""
    if not settings.TOKEN_PEPPER:
        raise ImproperlyConfigured("Set TOKEN_PEPPER to a random string; it keys the hashes of sign-ups.")
    message = f"signup\0{purpose}\0{text}".encode()
    return hmac.new(settings.TOKEN_PEPPER.encode(), message, hashlib.sha256).digest()


def code_of(signup_id: UUID) -> str:
    """The six digits of a sign-up's letter: kept nowhere, worked out anew by who sends them and who checks them."""
    number = int.from_bytes(digest("code", str(signup_id))[:8])
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def is_code(signup_id: UUID, given: str) -> bool:
    """Compare, in a time that tells nothing."""
    return hmac.compare_digest(code_of(signup_id).encode(), given.strip().encode())


def new_token(signup_id: UUID) -> tuple[Secret, bytes]:
    """A token for a proved sign-up, and the hash that is kept of it."""
    secret = random_secret()
    return Secret(f"{TOKEN_PREFIX}{signup_id.hex}_{secret}"), digest("token", f"{signup_id}{secret}")


def split_token(text: str) -> tuple[UUID, str] | None:
    """The sign-up a token names, and its secret; None when it is none of ours."""
    name, _, secret = text.removeprefix(TOKEN_PREFIX).partition("_")
    if not text.startswith(TOKEN_PREFIX) or len(name) != 32 or not secret:
        return None
    try:
        return UUID(hex=name), secret
    except ValueError:
        return None


def is_token(signup_id: UUID, secret: str, stored: bytes | memoryview | None) -> bool:
    """Compare with the hash that is kept, in a time that tells nothing."""
    return hmac.compare_digest(bytes(stored or b"\0" * 32), digest("token", f"{signup_id}{secret}"))


def seal_address(signup_id: UUID, email: str) -> dict[str, str]:
    """An address in a form that may lie in the control plane. Raises: KeysMisconfigured."""
    wrapped = key_encryption_keys().wrap(email.encode(), SignupAddress(signup_id))
    return {"kek": wrapped.kek_id, "blob": base64.b64encode(wrapped.blob).decode()}


def open_address(signup_id: UUID, sealed: dict[str, str]) -> str:
    """The address again. Raises: CryptoError."""
    wrapped = WrappedKey(sealed["kek"], base64.b64decode(sealed["blob"]))
    return key_encryption_keys().unwrap(wrapped, SignupAddress(signup_id)).decode()
