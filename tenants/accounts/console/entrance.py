"""Coming in by an invitation, and the doors that stay closed."""

from typing import Any

from allauth.account import views as allauth
from django import forms
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.second_step import slowed
from tenants.accounts.invitations.services import (
    accept_as,
    accept_invitation,
    open_invitation,
    who_is_here,
)
from tenants.accounts.models import UserSession
from tenants.accounts.sso.enforcement import enforced_provider
from tenants.foundation.errors import DomainError, NotFound

_BACKEND = "tenants.accounts.backends.EmailBackend"


class AcceptForm(forms.Form):
    """A name and a password of one's own."""

    name = forms.CharField(
        label=_("Your name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=256,
        strip=False,
        help_text=_("At least 12 characters. A few unrelated words are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, has_password: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_password:
            del self.fields["password"]


@login_not_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show who invites; take a name and a password; sign the new person in."""
    template = "accounts/accept_invitation.html"
    try:
        invitation = open_invitation(token)
    except NotFound as error:
        return render(request, template, {"problem": error.message}, status=404)
    enforced = enforced_provider()
    if enforced is not None:
        # No password is made where none counts: the invitation is taken up by the first single sign-on.
        context = {"invitation": invitation, "enforced": enforced}
        return render(request, template, context, status=200 if request.method != "POST" else 422)
    here = who_is_here(invitation)
    if here is not None and request.user.pk != here.pk:
        # Whoever invites has this link too: an account that is there already is opened by its own person alone.
        return render(request, template, {"invitation": invitation, "here": here, "next": request.path})
    form = AcceptForm(
        request.POST or None,
        initial={"name": here.name if here else invitation.name},
        has_password=here is not None and here.has_usable_password(),
    )
    if request.method == "POST" and form.is_valid():
        data: dict[str, Any] = form.cleaned_data
        given = {"token": token, "name": data["name"], "password": data.get("password", "")}
        try:
            user = accept_as(user=here, **given) if here is not None else accept_invitation(**given)
        except NotFound as error:
            return render(request, template, {"problem": error.message}, status=404)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            # Whoever else was signed in on this browser is not the person who holds the link.
            request.session.flush()
            if here is not None:
                # Their sign-ins ended with the old role; a second factor of theirs is asked for as ever.
                return HttpResponseRedirect(reverse("account_login"))
            request.sign_in_method = UserSession.Method.INVITATION  # type: ignore[attr-defined]
            login(request, user, backend=_BACKEND)
            return HttpResponseRedirect("/")
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, template, {"form": form, "invitation": invitation, "is_here": here}, status=status)


@login_not_required
def closed(request: HttpRequest) -> HttpResponse:
    """There is no sign-up: people come in by invitation."""
    raise Http404


@login_not_required
@never_cache
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """allauth's page; a try that came too early is said in the status too."""
    response: HttpResponseBase = allauth.login(request)
    return slowed(request, response)
