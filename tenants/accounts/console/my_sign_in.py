"""One's own sign-in: where one is signed in, second factors, recovery codes."""

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import actor_of
from tenants.accounts.console.second_step import safe_next
from tenants.accounts.mfa import services
from tenants.accounts.mfa.enrolment import open_without_second_factor
from tenants.accounts.mfa.passkeys import offer_registration, register_passkey
from tenants.accounts.mfa.recovery import codes_left
from tenants.accounts.mfa.totp import address_for_app, picture_of
from tenants.accounts.models import AuthenticatorApp, Passkey, UserSession
from tenants.accounts.sessions.devices import device_of, is_handheld
from tenants.accounts.sessions.policy import current_rules
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sessions.selectors import open_sign_ins, visible_sign_ins
from tenants.accounts.sessions.services import revoke_sign_in, revoke_sign_ins, sign_in_id_of
from tenants.foundation.console import toast
from tenants.foundation.crypto import Secret
from tenants.foundation.errors import DomainError
from tenants.tenancy import current_tenant


@dataclass(frozen=True, kw_only=True)
class Place:
    """One sign-in as a list shows it."""

    row: UserSession
    device: str
    icon: str
    is_here: bool

    @classmethod
    def of(cls, row: UserSession, here: UUID | None) -> "Place":
        """Put the row in words."""
        icon = "smartphone" if is_handheld(row.user_agent) else "monitor"
        return cls(row=row, device=device_of(row.user_agent), icon=icon, is_here=row.pk == here)


class AppCodeForm(forms.Form):
    """The code a new app shows."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


@login_required
@open_without_second_factor
@never_cache
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Where one is signed in, and with what."""
    return _page(request)


@login_required
@open_without_second_factor
@require_POST
def revoke(request: HttpRequest, sign_in_id: UUID) -> HttpResponse:
    """End one of the sign-ins: one's own, or somebody else's for those who manage them."""
    actor = actor_of(request)
    row = get_object_or_404(visible_sign_ins(actor=actor), pk=sign_in_id)
    revoke_sign_in(sign_in=row, actor=actor)
    if row.user_id == actor.user_id:
        address = reverse("accounts:my_sign_in")
    else:
        address = reverse("accounts:sign_ins_of", args=[row.user_id])
    return toast(request, HttpResponseRedirect(address), gettext("Signed out there."))


@login_required
@open_without_second_factor
@require_POST
def revoke_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    actor = actor_of(request)
    revoke_sign_ins(user=actor.user, actor=actor, but=sign_in_id_of(request))
    return _back(request, gettext("You are signed in here only."))


@login_required
@open_without_second_factor
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def app(request: HttpRequest) -> HttpResponse:
    """Put an authenticator app to use: a picture to read, then a code it shows."""
    actor = actor_of(request)
    form = AppCodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and not form.is_bound:
        services.begin_authenticator_app(actor=actor)
        return HttpResponseRedirect(reverse("accounts:authenticator_app"))
    if form.is_bound and form.is_valid():
        try:
            codes = services.confirm_authenticator_app(actor=actor, code=form.cleaned_data["code"])
        except ProofNeeded:
            raise
        except DomainError as error:
            form.add_error("code", error.message)
        else:
            return _page(request, codes=codes, done=gettext("The app is set up."))
    secret = services.unconfirmed_secret(actor=actor)
    if secret is None:
        return HttpResponseRedirect(reverse("accounts:my_sign_in"))
    address = address_for_app(secret.reveal(), account=actor.user.email, issuer=current_tenant().name)
    context = {
        "form": form,
        "picture": picture_of(address),
        "secret": " ".join(secret.reveal()[at : at + 4] for at in range(0, 32, 4)),
    }
    status = 422 if form.is_bound else 200
    return render(request, "accounts/authenticator_app.html", context, status=status)


@login_required
@open_without_second_factor
@require_POST
def remove_app(request: HttpRequest) -> HttpResponse:
    """Take the app off."""
    services.remove_authenticator_app(actor=actor_of(request))
    return _back(request, gettext("The app was removed."))


@login_required
@open_without_second_factor
@never_cache
@require_POST
def new_passkey_options(request: HttpRequest) -> HttpResponse:
    """What a browser needs to make a passkey."""
    is_related = request.POST.get("related") == "1"
    return JsonResponse(offer_registration(request, actor=actor_of(request), is_related=is_related))


@login_required
@open_without_second_factor
@never_cache
@sensitive_post_parameters("credential")
@require_POST
def new_passkey(request: HttpRequest) -> HttpResponse:
    """Keep a passkey the browser has made."""
    actor = actor_of(request)
    try:
        passkey = register_passkey(
            request,
            actor=actor,
            answer=request.POST.get("credential", ""),
            name=request.POST.get("name", ""),
        )
    except ProofNeeded:
        raise
    except DomainError as error:
        return _page(request, problem=error.message)
    codes = services.first_recovery_codes(actor.user)
    return _page(
        request, codes=codes, done=gettext("The passkey %(name)s is set up.") % {"name": passkey.name}
    )


@login_required
@open_without_second_factor
@require_POST
def remove_passkey(request: HttpRequest, passkey_id: UUID) -> HttpResponse:
    """Take a passkey off."""
    actor = actor_of(request)
    passkey = get_object_or_404(Passkey.objects.filter(user=actor.user), pk=passkey_id)
    services.remove_passkey(passkey=passkey, actor=actor)
    return _back(request, gettext("The passkey %(name)s was removed.") % {"name": passkey.name})


@login_required
@open_without_second_factor
@never_cache
@require_POST
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes and show them, this once."""
    codes = services.new_recovery_codes(actor=actor_of(request))
    return _page(request, codes=codes, done=gettext("The codes you had before do not work any more."))


def _page(
    request: HttpRequest, *, codes: list[Secret] | None = None, done: str = "", problem: str = ""
) -> HttpResponse:
    actor, here = actor_of(request), sign_in_id_of(request)
    user, rules = actor.user, current_rules()
    deadline = getattr(request, "enrol_by", None)
    context = {
        "places": [Place.of(row, here) for row in open_sign_ins(user=user, actor=actor, rules=rules)],
        "app": AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).first(),
        "passkeys": list(Passkey.objects.filter(user=user)),
        "codes_left": codes_left(user),
        "has_factor": services.has_second_factor(user),
        "new_codes": [each.reveal() for each in codes or []],
        "done": done,
        "problem": problem,
        "deadline": deadline,
        "is_overdue": deadline is not None and deadline <= timezone.now(),
        "next": safe_next(request),
    }
    return render(request, "accounts/my_sign_in.html", context, status=422 if problem else 200)


def _back(request: HttpRequest, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("accounts:my_sign_in")), text)
