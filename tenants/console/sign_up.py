"""Signing up by oneself, on the platform's host: an address, the code of the letter, the company, and the wait."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.networks import client_address
from tenants.console.companies import regions
from tenants.foundation.console import htmx_of
from tenants.foundation.errors import DomainError, LimitReached, NotFound
from tenants.lifecycle.signups.services import (
    begin_signup,
    make_company,
    operation_of,
    require_open,
    signup_of_token,
    source_of,
    verify_signup,
)
from tenants.models import Operation, Signup
from tenants.tenancy import outside_transaction
from tenants.tenancy.addresses import address_of

# In the session of the platform's host: which sign-up this browser began, and the token it got for the code.
BEGUN: Final = "signup_begun"
TOKEN: Final = "signup_token"  # noqa: S105 - a key's name
TEMPLATE: Final = "tenants/sign_up.html"


class AddressForm(forms.Form):
    """Whom the code goes to."""

    email = forms.EmailField(
        label=_("Work e-mail"), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )  # fmt: skip


class CodeForm(forms.Form):
    """The six digits of the letter."""

    code = forms.RegexField(
        r"^\d{6}$", label=_("Code"), error_messages={"invalid": _("Enter the six digits of the letter.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "maxlength": 6}
        ),
    )  # fmt: skip


class OwnCompanyForm(forms.Form):
    """A company, and a name and password for whoever makes it."""

    name = forms.CharField(
        label=_("Company"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    slug = forms.CharField(
        label=_("Address"), max_length=40, help_text=_("The first part of its host name."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip
    region = forms.ChoiceField(label=_("Region"), help_text=_("Where its rows are kept."))
    owner_name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    owner_password = forms.CharField(
        label=_("Password"), max_length=256, strip=False,
        help_text=_("At least 12 characters. A few unrelated words are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["region"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(region, region) for region in regions()]


@login_not_required
@never_cache
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest) -> HttpResponse:
    """Ask for an address; a code goes there."""
    require_open()
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            signup = begin_signup(
                email=form.cleaned_data["email"],
                source=source_of(client_address(request)),
                language=_language(),
            )
        except LimitReached as error:
            form.add_error(None, error.message)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            request.session[BEGUN] = {"id": str(signup.pk), "email": form.cleaned_data["email"]}
            request.session.pop(TOKEN, None)
            return HttpResponseRedirect(reverse("sign_up:code"))
    return _page(request, "address", form)


@login_not_required
@never_cache
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the letter."""
    require_open()
    begun = request.session.get(BEGUN)
    if not begun:
        return HttpResponseRedirect(reverse("sign_up:begin"))
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            token = verify_signup(signup_id=UUID(begun["id"]), code=form.cleaned_data["code"])
        except DomainError as error:
            add_domain_error(form, error)
        else:
            request.session.cycle_key()
            request.session[TOKEN] = token.reveal()
            return HttpResponseRedirect(reverse("sign_up:company"))
    return _page(request, "code", form, email=begun["email"])


@login_not_required
@never_cache
@sensitive_post_parameters("owner_password")
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def company(request: HttpRequest) -> HttpResponse:
    """Ask what the company is to be."""
    signup = _proved(request)
    if signup is None:
        return HttpResponseRedirect(reverse("sign_up:begin"))
    if _operation(signup) is not None:
        return HttpResponseRedirect(reverse("sign_up:ready"))
    form = OwnCompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            make_company(signup=signup, language=_language(), **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return HttpResponseRedirect(reverse("sign_up:ready"))
    return _page(request, "company", form)


@login_not_required
@never_cache
@outside_transaction
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Show how far the company is, and lead there."""
    signup = _proved(request)
    operation = _operation(signup) if signup else None
    if operation is None:
        return HttpResponseRedirect(reverse("sign_up:begin"))
    address = address_of(operation.tenant_slug) if operation.state == Operation.State.SUCCEEDED else ""
    return _page(request, "ready", None, operation=operation, address=address)


def _operation(signup: Signup) -> Operation | None:
    """The operation that counts: one that was undone may be followed by another."""
    try:
        found = operation_of(signup)
    except NotFound:
        return None
    return None if found.state in (Operation.State.UNDONE, Operation.State.FAILED) else found


def _proved(request: HttpRequest) -> Signup | None:
    require_open()
    return signup_of_token(request.session.get(TOKEN, ""))


def _language() -> str:
    return (translation.get_language() or "en").split("-")[0]


def _page(request: HttpRequest, step: str, form: forms.Form | None, **facts: Any) -> HttpResponse:
    template = f"{TEMPLATE}#live" if step == "ready" and htmx_of(request) else TEMPLATE
    status = 422 if form is not None and form.is_bound and not form.is_valid() else 200
    return render(request, template, {"step": step, "form": form, **facts}, status=status)
