"""What the forms of this door share."""

from django import forms

from tenants.accounts.sessions.proof import ProofNeeded
from tenants.foundation.errors import DomainError


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Put a domain error where it belongs in a form: beside the fields it names, else above all of them.

    Raises: ProofNeeded, which nothing typed into the form can mend: the person is led to prove who they are.
    """
    if isinstance(error, ProofNeeded):
        raise error
    placed = False
    for name, lines in error.fields.items():
        if name in form.fields:
            placed = True
            for line in lines:
                form.add_error(name, line)
    if not placed:
        form.add_error(None, error.message)
