"""What every page is given of this wing: the warning that a name is about to be lost."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from tenants.branding.domains.warnings import domains_going


def domain_context(request: HttpRequest) -> dict[str, Any]:
    """Context processor; asked for only by pages with a frame."""
    return {"domains_going": SimpleLazyObject(lambda: domains_going(request))}
