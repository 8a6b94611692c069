"""The line above every page of those who can mend it, while the company's mail server fails; from the cache."""

from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from tenants.accounts.access import can
from tenants.branding.permissions import MANAGE_SENDER

_KEY: Final = "mail-server:failing"
# Longer than the longest rest; the next letter that fails says it again.
_SECONDS: Final = 3 * 24 * 3600


def note_failing(host: str) -> None:
    """Keep for pages that the server fails."""
    cache.set(_KEY, host, _SECONDS)


def forget_failing() -> None:
    """It works, or there is none any more."""
    cache.delete(_KEY)


def mail_server_failing(request: HttpRequest) -> str:
    """The server to warn the reader of; "" for those who could not mend it."""
    if not can(getattr(request, "actor", None), MANAGE_SENDER):
        return ""
    found: str | None = cache.get(_KEY)
    return found or ""
