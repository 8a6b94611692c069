"""What the views of this door take out of a request."""

from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from tenants.accounts.access import UserActor
from tenants.foundation.errors import DomainError

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


def actor_of(request: HttpRequest) -> UserActor:
    """The signed-in actor. Raises: PermissionDenied when nobody is signed in."""
    actor = getattr(request, "actor", None)
    if not isinstance(actor, UserActor):
        raise PermissionDenied
    return actor


def htmx_of(request: HttpRequest) -> "HtmxDetails":
    """What htmx says of a request; false when it was not htmx that asked."""
    details: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return details


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Show a service's refusal at the fields it names, or above the form."""
    if not error.fields:
        form.add_error(None, error.message)
    for name, lines in error.fields.items():
        form.add_error(name if name in form.fields else None, lines)
