"""The doors of second factors at the entrance: the step after the password, a passkey instead, and proving it again."""

from typing import Final

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.core import context as allauth_context
from django import forms
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from tenants.accounts.access import actor_of
from tenants.accounts.delays import TooFast, begin_attempt
from tenants.accounts.mfa.enrolment import open_without_second_factor
from tenants.accounts.mfa.passkeys import accept_passkey, offer_authentication
from tenants.accounts.mfa.services import use_code
from tenants.accounts.models import AuthenticatorApp, Passkey, User, UserSession
from tenants.accounts.sessions.services import note_proof, sign_in_id_of
from tenants.foundation.errors import DomainError

STAGE: Final = "second_factor"
WRONG: Final = _("This was not right. Please try again.")


class CodeForm(forms.Form):
    """A code of an app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("Six digits from your app, or one of your recovery codes."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


class ProofForm(forms.Form):
    """A password, or a code for those who have none."""

    password = forms.CharField(
        label=_("Password"),
        max_length=256,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


@login_stage_required(stage=STAGE, redirect_urlname="home")  # type: ignore[untyped-decorator]
@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """Ask for the second factor of somebody whose password was right, and let them in."""
    stage = request._login_stage  # type: ignore[attr-defined]
    user: User = stage.login.user
    form = CodeForm(request.POST if request.POST.get("code") else None)
    problem = ""
    if request.method == "POST":
        try:
            shown = _shown(request, user)
        except DomainError as error:
            problem = error.message
            _mark_slowed_down(request, error)
        else:
            if shown:
                record_authentication(request, user, method="mfa", type=shown)
                answer: HttpResponseBase = stage.exit()
                return answer
            problem = str(WRONG)
    context = {
        "form": form,
        "problem": problem,
        "has_app": AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).exists(),
        "has_passkey": Passkey.objects.filter(user=user, suspected_at=None).exists(),
    }
    return slowed(request, render(request, "accounts/second_factor.html", context, status=_status(problem)))


@login_not_required
@never_cache
@require_POST
def give_up(request: HttpRequest) -> HttpResponse:
    """Forget a sign-in that waits for its second factor: somebody else wants to sign in."""
    clear_login(request)
    return HttpResponseRedirect("/")


@login_not_required
@open_without_second_factor
@never_cache
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """What a browser needs to ask for a passkey, of anybody."""
    is_related = request.POST.get("related") == "1"
    return JsonResponse(offer_authentication(request, is_related=is_related))


@login_not_required
@never_cache
@sensitive_post_parameters("credential")
@require_POST
def passkey_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign somebody in by a passkey alone."""
    if request.user.is_authenticated:
        return HttpResponseRedirect("/")
    try:
        attempt = begin_attempt(request, "passkey", None)
        shown = accept_passkey(request, answer=request.POST.get("credential", ""), user=None)
    except DomainError as error:
        _mark_slowed_down(request, error)
        context = {"problem": error.message, "next": safe_next(request)}
        return slowed(request, render(request, "accounts/passkey_refused.html", context, status=422))
    attempt.succeeded()
    clear_login(request)
    request.sign_in_method = UserSession.Method.PASSKEY  # type: ignore[attr-defined]
    with allauth_context.request_context(request):
        record_authentication(request, shown.user, method="mfa", type="passkey")
        login = Login(user=shown.user, redirect_url=safe_next(request), email=shown.user.email)
        answer: HttpResponseBase = perform_login(request, login)
        return answer


@login_required
@open_without_second_factor
@never_cache
@sensitive_post_parameters("password", "code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Ask somebody who is signed in once more who they are, before a sensitive step."""
    user = actor_of(request).user
    form = ProofForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        try:
            is_proved = _is_right_password(request, user, form.cleaned_data["password"]) or bool(
                _shown(request, user)
            )
        except DomainError as error:
            problem, is_proved = error.message, False
            _mark_slowed_down(request, error)
        sign_in_id = sign_in_id_of(request)
        if is_proved and sign_in_id is not None:
            note_proof(sign_in_id)
            return HttpResponseRedirect(safe_next(request) or "/")
        problem = problem or str(WRONG)
    context = {
        "form": form,
        "problem": problem,
        "next": safe_next(request),
        "has_password": user.has_usable_password(),
        "has_app": AuthenticatorApp.objects.filter(user=user).exclude(confirmed_at=None).exists(),
        "has_passkey": Passkey.objects.filter(user=user, suspected_at=None).exists(),
    }
    return slowed(request, render(request, "accounts/prove.html", context, status=_status(problem)))


def safe_next(request: HttpRequest) -> str:
    """Return where the person wanted to be, "" when that is not on this host."""
    target = request.POST.get("next", "") or request.GET.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_safe else ""


def _shown(request: HttpRequest, user: User) -> str:
    """The second factor that was shown: "passkey", "totp", "recovery" or "". Raises: TooFast, PasskeyRefused."""
    credential = request.POST.get("credential", "")
    code = request.POST.get("code", "")
    if not credential and not code:
        return ""
    attempt = begin_attempt(request, "second", str(user.pk))
    if credential:
        accept_passkey(request, answer=credential, user=user)
        shown = "passkey"
    else:
        shown = use_code(user, code)
    if shown:
        attempt.succeeded()
    return shown


def _is_right_password(request: HttpRequest, user: User, password: str) -> bool:
    if not password or not user.has_usable_password():
        return False
    attempt = begin_attempt(request, "password", user.email)
    is_right = check_password(password, user.password)
    if is_right:
        attempt.succeeded()
    return is_right


def _status(problem: str) -> int:
    return 422 if problem else 200


def _mark_slowed_down(request: HttpRequest, error: DomainError) -> None:
    if isinstance(error, TooFast):
        request.slowed_down = error  # type: ignore[attr-defined]


def slowed[R: HttpResponseBase](request: HttpRequest, response: R) -> R:
    """Say in the status that a try came too early, and when the next may."""
    error: TooFast | None = getattr(request, "slowed_down", None)
    if error is not None:
        response.status_code = 429
        response.headers["Retry-After"] = str(int(error.retry_after_seconds or 1))
    return response
