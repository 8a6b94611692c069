"""What the views of this door take out of a request."""

from django import forms

from tenants.foundation.errors import DomainError


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Show a service's refusal at the fields it names, or above the form."""
    if not error.fields:
        form.add_error(None, error.message)
    for name, lines in error.fields.items():
        form.add_error(name if name in form.fields else None, lines)
