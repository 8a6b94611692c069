"""The form at the entrance that asks for a new password."""

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.sessions.resetting import ask_for_reset


class ResetForm(forms.Form):
    """Takes an address and does the same with every one; allauth's own would write the letter while one waits."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def save(self, request: HttpRequest, **_options: Any) -> str:
        """Have the letter sent to whoever has the address; return the address."""
        email = str(self.cleaned_data["email"])
        ask_for_reset(email)
        return email
