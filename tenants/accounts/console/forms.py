"""What the forms of this door share."""

from django import forms

from tenants.foundation.errors import DomainError


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Put a domain error where it belongs in a form: beside the fields it names, else above all of them."""
    placed = False
    for name, lines in error.fields.items():
        if name in form.fields:
            placed = True
            for line in lines:
                form.add_error(name, line)
    if not placed:
        form.add_error(None, error.message)
