"""Slugs and hosts of deleted companies: nobody gets them again, and nobody can read which they were."""

import hashlib
import hmac
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tenants.models import RetiredName


def retire(names: Iterable[str]) -> None:
    """Keep names from being given out again; safe to repeat. Raises: ImproperlyConfigured without TOKEN_PEPPER."""
    rows = [RetiredName(digest=_digest(name)) for name in names]
    RetiredName.objects.bulk_create(rows, ignore_conflicts=True)


def is_retired(name: str) -> bool:
    """Whether a slug or host was a deleted company's."""
    return RetiredName.objects.filter(digest=_digest(name)).exists()


def release(names: Iterable[str]) -> int:
    """Let names be given out again, for a company that comes back; how many were retired."""
    return RetiredName.objects.filter(digest__in=[_digest(name) for name in names]).delete()[0]


def _digest(name: str) -> bytes:
    if not settings.TOKEN_PEPPER:
        raise ImproperlyConfigured(
            "Set TOKEN_PEPPER to a random string; it keys the hashes of retired names."
        )
    return hmac.new(
        settings.TOKEN_PEPPER.encode(), b"retired-name\0" + name.lower().encode(), hashlib.sha256
    ).digest()
