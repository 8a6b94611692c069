"""Recovery codes: ten words of numbers and letters, shown once, good once, kept as keyed hashes only."""

import secrets
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.keyed_hashes import keyed_hash
from tenants.accounts.models import RecoveryCode, User
from tenants.foundation.crypto import Secret
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

COUNT: Final = 10
# Without those that are mistaken for one another; 16 of them are 79 bits.
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH: Final = 16
_GROUP: Final = 4
_PURPOSE: Final = "recovery-code"


@atomic
def renew_recovery_codes(user: User) -> list[Secret]:
    """Make ten new codes in place of all older ones; they are seen here and never again."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(COUNT)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, code_hash=_hash(user, code)) for code in codes])
    log.info("recovery_codes.renewed", user_id=user.pk)
    return [
        Secret("-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP)))
        for code in codes
    ]


@atomic
def use_recovery_code(user: User, text: str) -> bool:
    """Spend a code; False for one that is wrong or was used. Of two processes with one code, one gets True."""
    code = "".join(each for each in text.lower() if each in _ALPHABET)
    if len(code) != _LENGTH:
        return False
    spent = RecoveryCode.objects.filter(user=user, code_hash=_hash(user, code), used_at=None).update(
        used_at=timezone.now()
    )
    if spent:
        log.warning("recovery_code.used", user_id=user.pk, left=codes_left(user))
    return spent == 1


def codes_left(user: User) -> int:
    """Return how many codes have not been used."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def _hash(user: User, code: str) -> bytes:
    return keyed_hash(_PURPOSE, f"{user.pk}:{code}")
