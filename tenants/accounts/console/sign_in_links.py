"""The doors of signing in by e-mail: asking, the code, and the link's page with its button."""

from __future__ import annotations

from typing import Final

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from allauth.core import context as allauth_context
from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from tenants.accounts.console.second_step import safe_next, slowed
from tenants.accounts.delays import TooFast, begin_attempt
from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions.links import (
    VALID_FOR,
    ask_for_link,
    find_link,
    new_browser_secret,
    spend_code,
    spend_link,
)
from tenants.tenancy.middleware import host_of

COOKIE: Final = "sign_in_link"


class AskForm(forms.Form):
    """An address."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


class LinkCodeForm(forms.Form):
    """Six digits out of the letter."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        help_text=_("Six digits. They work in this browser only."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take an address; the answer is the same for each."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(safe_next(request) or "/")
    form = AskForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            begin_attempt(request, "link", email)
        except TooFast as error:
            request.slowed_down = error  # type: ignore[attr-defined]
            problem = error.message
        else:
            browser = new_browser_secret()
            ask_for_link(email=email, browser=browser, next_path=safe_next(request), host=host_of(request))
            answer = HttpResponseRedirect(reverse("account_sign_in_code"))
            answer.set_cookie(
                _cookie_name(request), browser, max_age=int(VALID_FOR.total_seconds()), httponly=True,
                secure=request.is_secure(), samesite="Lax", path="/",
            )  # fmt: skip
            return answer
    status = 422 if form.is_bound else 200
    context = {"form": form, "problem": problem, "next": safe_next(request)}
    return slowed(request, render(request, "accounts/sign_in_link_ask.html", context, status=status))


@login_not_required
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponseBase:
    """Say that a letter is on its way, and take the code out of it."""
    if request.user.is_authenticated:
        return HttpResponseRedirect("/")
    form = LinkCodeForm(request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        browser = _browser(request)
        try:
            attempt = begin_attempt(request, "link_code", browser)
        except TooFast as error:
            request.slowed_down = error  # type: ignore[attr-defined]
            problem = error.message
        else:
            spent = spend_code(code=form.cleaned_data["code"], browser=browser)
            if spent is not None:
                attempt.succeeded()
                return _signed_in(request, *spent)
            problem = _now("This was not right, or it has run out. You can have a new letter sent.")
    context = {"form": form, "problem": problem, "minutes": int(VALID_FOR.total_seconds() // 60)}
    status = 422 if form.is_bound else 200
    return slowed(request, render(request, "accounts/sign_in_link_code.html", context, status=status))


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """Name the account and ask for a click: only that spends the link. Elsewhere than asked, say so."""
    try:
        attempt = begin_attempt(request, "link_open", token)
    except TooFast as error:
        request.slowed_down = error  # type: ignore[attr-defined]
        early = render(request, "accounts/sign_in_link_gone.html", {"problem": error.message}, status=429)
        return slowed(request, early)
    found = find_link(token=token, browser=_browser(request))
    if found is None:
        return render(request, "accounts/sign_in_link_gone.html", status=404)
    attempt.succeeded()
    if request.method == "POST":
        spent = spend_link(token=token, browser=_browser(request))
        if spent is None:
            return render(request, "accounts/sign_in_link_gone.html", status=404)
        return _signed_in(request, *spent)
    context = {"account": found.user, "is_same_browser": found.is_same_browser}
    return render(request, "accounts/sign_in_link_open.html", context)


def _signed_in(request: HttpRequest, user: User, next_path: str) -> HttpResponseBase:
    # Whoever else was signed in on this browser is not the person who holds the link.
    if request.user.is_authenticated:
        request.session.flush()
    clear_login(request)
    request.sign_in_method = UserSession.Method.LINK  # type: ignore[attr-defined]
    with allauth_context.request_context(request):
        record_authentication(request, user, method="link")
        login = Login(user=user, redirect_url=next_path or "/", email=user.email)
        answer: HttpResponseBase = perform_login(request, login)
    if isinstance(answer, HttpResponse):
        answer.delete_cookie(_cookie_name(request), samesite="Lax")
    return answer


def _browser(request: HttpRequest) -> str:
    return request.COOKIES.get(_cookie_name(request), "")[:100]


def _cookie_name(request: HttpRequest) -> str:
    return f"__Host-{COOKIE}" if request.is_secure() else COOKIE
