"""What a service refused, in a form: beside its field, above all of them, or not there at all."""

import pytest
from django import forms

from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.foundation.errors import InvalidInput


class ReasonForm(forms.Form):
    """A form with one field."""

    reason = forms.CharField()


def bound() -> ReasonForm:
    form = ReasonForm({"reason": "The sync stands still"})
    assert form.is_valid()
    return form


def test_a_refusal_stands_beside_the_field_it_names() -> None:
    form = bound()
    add_domain_error(form, InvalidInput("No.", fields={"reason": ["Say more."]}))
    assert form.errors == {"reason": ["Say more."]}


def test_a_refusal_that_names_no_field_stands_above_all() -> None:
    form = bound()
    add_domain_error(form, InvalidInput("No."))
    assert form.non_field_errors() == ["No."]


def test_a_missing_proof_is_no_mistake_in_a_form_and_goes_on_to_where_it_is_asked_for() -> None:
    with pytest.raises(ProofNeeded):
        add_domain_error(bound(), ProofNeeded())
