"""Branding → Sender: from which address and by which server letters go out, and proving that they arrive."""

from typing import Any, Final

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.branding.mail_servers import services
from tenants.branding.mail_servers.selectors import MailServers, mail_servers
from tenants.branding.mail_servers.values import MOST_PASSWORD, PORTS, MailServerSettings
from tenants.branding.permissions import MANAGE_BRANDING, MANAGE_SENDER
from tenants.branding.remembering import published_brand
from tenants.foundation.console import toast
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError, Forbidden, NotFound
from tenants.foundation.letters import Dress
from tenants.foundation.letters.smtp import Security
from tenants.foundation.letters.writing import sender_of
from tenants.tenancy import atomic, current_tenant, outside_transaction

KINDS: Final = (
    (Security.STARTTLS.value, _("STARTTLS (port 587)")),
    (Security.TLS.value, _("TLS (port 465)")),
)
_PLAIN: Final = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ServerForm(forms.Form):
    """A mail server; the password is never shown again."""

    from_address = forms.CharField(
        label=_("Letters come from"), max_length=254, widget=forms.EmailInput(attrs=_PLAIN),
        help_text=_("An address in a domain you have proved, for e-mail or as one of your own."),
    )  # fmt: skip
    host = forms.CharField(label=_("Mail server"), max_length=253, widget=forms.TextInput(attrs=_PLAIN))
    security = forms.ChoiceField(label=_("Encryption"), choices=KINDS, initial=Security.STARTTLS.value)
    port = forms.TypedChoiceField(
        label=_("Port"), coerce=int, choices=[(each, str(each)) for each in PORTS], initial=PORTS[0]
    )
    username = forms.CharField(
        label=_("User name"), max_length=254, required=False, widget=forms.TextInput(attrs=_PLAIN)
    )
    password = forms.CharField(
        label=_("Password"), max_length=MOST_PASSWORD, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept encrypted and never shown. Empty: the one that is kept for the same server and user."),
    )  # fmt: skip

    def __init__(self, *args: Any, now: MailServers, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What an operator has opened, or a program has set, stays choosable.
        for each in (now.candidate, now.active):
            for name, value in (("port", each.port), ("security", each.security)) if each else ():
                choices = list(self.fields[name].choices)  # type: ignore[attr-defined]
                if value not in dict(choices):
                    self.fields[name].choices = [*choices, (value, str(value))]  # type: ignore[attr-defined]

    def settings(self) -> MailServerSettings:
        """What was typed."""
        typed = self.cleaned_data
        return MailServerSettings(
            host=typed["host"], port=typed["port"], security=typed["security"], username=typed["username"],
            from_address=typed["from_address"], password=Secret(typed["password"]) if typed["password"] else None,
        )  # fmt: skip


class CodeForm(forms.Form):
    """The code of the test letter."""

    code = forms.CharField(
        label=_("Code from the letter"), max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "mono"}),
    )  # fmt: skip


@login_required
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sender(request: HttpRequest) -> HttpResponse:
    """How letters go out; a POST keeps a server that is still to be proved."""
    actor = actor_of(request)
    now = mail_servers(actor=actor)
    if request.method != "POST":
        return _page(request, actor, now)
    require(actor, MANAGE_SENDER)
    form = ServerForm(request.POST, now=now)
    if form.is_valid():
        try:
            services.save_mail_server(actor=actor, settings=form.settings())
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _back(request, gettext("Saved. Send a test letter now."), "prove")
    return _page(request, actor, now, form=form, status=422)


@login_required
@outside_transaction
@require_POST
def test(request: HttpRequest) -> HttpResponse:
    """Send a test letter to whoever asks."""
    actor = _who_manages(request)
    try:
        text = gettext("On its way to %(address)s.") % {"address": services.send_test_letter(actor=actor)}
    except (ProofNeeded, Forbidden, NotFound):
        raise
    except DomainError as error:
        with atomic():
            return _page(request, actor, mail_servers(actor=actor), problem=_first(error), status=422)
    with atomic():
        return _back(request, text, "prove")


@login_required
@outside_transaction
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Use the server from now on, if the code is right."""
    actor, form = _who_manages(request), CodeForm(request.POST)
    if form.is_valid():
        try:
            services.confirm_mail_server(actor=actor, code=form.cleaned_data["code"])
        except (ProofNeeded, Forbidden, NotFound):
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            with atomic():
                return _back(request, gettext("Letters go out by your own server from now on."), "")
    with atomic():
        return _page(request, actor, mail_servers(actor=actor), code_form=form, status=422)


@login_required
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Go back to the platform's server, or forget the server that is still to be proved."""
    actor = _who_manages(request)
    if request.POST.get("what") == "candidate":
        services.discard_candidate(actor=actor)
        return _back(request, gettext("Forgotten, with its password."), "")
    services.remove_mail_server(actor=actor)
    return _back(request, gettext("Letters go out by the platform's server again."), "")


@atomic
def _who_manages(request: HttpRequest) -> UserActor:
    # Every answer leads back to the page, so its permission is wanted too; asked before anything typed is looked at.
    actor = actor_of(request)
    require(actor, MANAGE_BRANDING)
    require(actor, MANAGE_SENDER)
    return actor


def _back(request: HttpRequest, text: str, part: str) -> HttpResponse:
    address = reverse("branding:sender") + (f"#{part}" if part else "")
    return toast(request, HttpResponseRedirect(address), text)


def _page(
    request: HttpRequest,
    actor: UserActor,
    now: MailServers,
    *,
    form: ServerForm | None = None,
    code_form: CodeForm | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    known = now.candidate or now.active
    names = ("from_address", "host", "security", "port", "username")
    initial = {name: getattr(known, name) for name in names} if known else {}
    brand = published_brand(current_tenant())
    context = {
        "now": now, "form": form or ServerForm(initial=initial, now=now), "code_form": code_form or CodeForm(),
        "problem": problem, "sender_name": brand.sender_name or brand.name, "may_manage": can(actor, MANAGE_SENDER),
        "platform_sender": sender_of(Dress(name=brand.name, sender_name=brand.sender_name)),
    }  # fmt: skip
    return render(request, "branding/sender.html", context, status=status)


def _first(error: DomainError) -> str:
    lines = [line for found in error.fields.values() for line in found]
    return lines[0] if lines else error.message
