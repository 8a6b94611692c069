"""The line above every page of those who can mend it, while a domain's proof is missing; from the cache."""

from datetime import datetime, timedelta
from typing import Final, TypedDict

from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest

from tenants.accounts.access import can
from tenants.models import CustomDomain
from tenants.permissions import MANAGE_DOMAINS

_KEY: Final = "custom-domains:missing"
# Longer than from one check to the next.
_SECONDS: Final = 3 * 24 * 3600


class Missing(TypedDict):
    """A domain whose record is missing, and when it stops working."""

    host: str
    ends_at: datetime


def note_warnings(domains: QuerySet[CustomDomain], *, lost_after: timedelta) -> None:
    """Keep for pages which of a company's domains are about to be lost."""
    going = domains.filter(missing_since__isnull=False, state__in=CustomDomain.PROVED)
    rows = [
        Missing(host=row.host, ends_at=row.missing_since + lost_after) for row in going if row.missing_since
    ]
    if rows:
        cache.set(_KEY, rows, _SECONDS)
    else:
        cache.delete(_KEY)


def domains_going(request: HttpRequest) -> list[Missing]:
    """What to warn the reader of; nothing for those who could not mend it."""
    if not can(getattr(request, "actor", None), MANAGE_DOMAINS):
        return []
    found: list[Missing] | None = cache.get(_KEY)
    return found or []
