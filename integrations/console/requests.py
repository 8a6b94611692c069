"""What the views of this door take out of a request."""

from uuid import UUID

from django import forms
from django.http import QueryDict

from tenants.foundation.errors import DomainError, NotFound


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Show a service's refusal at the fields it names, or above the form."""
    if not error.fields:
        form.add_error(None, error.message)
    for name, lines in error.fields.items():
        form.add_error(name if name in form.fields else None, lines)


def uuid_in(data: QueryDict, name: str) -> UUID | None:
    """The id that was sent under this name; None when none was. Raises: NotFound for what is no id."""
    text = data.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound("There is no such thing.") from None
