"""The company's rules for signing in, and where other people are signed in."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import Role, actor_of, can, require
from tenants.accounts.access.changes import Subject
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.my_sign_in import Place
from tenants.accounts.console.proposed_changes import waits_for_second_person
from tenants.accounts.mfa.services import has_second_factor, reset_second_factors
from tenants.accounts.models import ProposedChange, User
from tenants.accounts.networks import client_address
from tenants.accounts.sessions.policy import EVERYBODY, MANAGE, change_rules, current_rules
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sessions.selectors import open_sign_ins
from tenants.accounts.sessions.services import MANAGE_SESSIONS, revoke_sign_ins, sign_in_id_of
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


class RulesForm(forms.Form):
    """Who needs a second factor, how long a sign-in lasts, from where, and how long keys live."""

    mfa_required_for = forms.MultipleChoiceField(
        label=_("A second factor is required for"),
        required=False,
        choices=[(EVERYBODY, _("Everybody")), *Role.choices],
        widget=forms.CheckboxSelectMultiple,
    )
    mfa_grace_days = forms.IntegerField(
        label=_("Time to set it up"),
        help_text=_("Up to 60 days; 0 for at once. After that, people without one can do nothing else."),
    )
    idle_minutes = forms.IntegerField(
        label=_("Sign out after so long without use"),
        help_text=_("5 minutes to 14 days. A day has 1440 minutes, 4320 are three days."),
    )
    absolute_hours = forms.IntegerField(
        label=_("Sign in again at the latest after"),
        help_text=_("1 hour to 14 days. A week has 168 hours, 336 are two weeks."),
    )
    step_up_minutes = forms.IntegerField(
        label=_("A confirmation counts for"),
        help_text=_(
            "1 minute to 4 hours. Sensitive steps ask people to confirm that it is them, unless they did so this "
            "recently."
        ),
    )
    allowed_networks = forms.CharField(
        label=_("Networks people may come from"),
        required=False,
        help_text=_("One in each line, like 203.0.113.0/24. Empty: from anywhere."),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
    token_max_days = forms.IntegerField(
        label=_("An API token lives at most"), help_text=_("1 to 365 days, chosen when it is made.")
    )
    link_sign_in = forms.ChoiceField(
        label=_("Signing in by a link in an e-mail is for"),
        required=False,
        choices=[
            ("nobody", _("Nobody")),
            ("guests", _("Guests")),
            ("everybody", _("Everybody who may do nothing sensitive")),
        ],
        help_text=_("Never for owners, admins and security."),
    )
    two_people_for = forms.MultipleChoiceField(
        label=_("A second person has to agree to"),
        required=False,
        choices=Subject.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=500,
        help_text=_("For the second person, where one has to agree to looser rules."),
    )
    # The rules as they were shown: what others changed meanwhile is not overwritten.
    seen = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Show and save the rules."""
    actor = actor_of(request)
    if not can(actor, MANAGE):
        require(actor, MANAGE)
    now = current_rules()
    initial = {
        "mfa_required_for": sorted(now.mfa_required_for),
        "mfa_grace_days": now.mfa_grace_days,
        "idle_minutes": now.idle_minutes,
        "absolute_hours": now.absolute_hours,
        "step_up_minutes": now.step_up_minutes,
        "allowed_networks": "\n".join(now.allowed_networks),
        "token_max_days": now.token_max_days,
        "two_people_for": sorted(now.two_people_for),
        "link_sign_in": now.link_sign_in,
        "seen": now.mark,
    }
    form = RulesForm(request.POST or None, initial=initial)
    address = client_address(request)
    is_overtaken = False
    if request.method == "POST" and form.is_valid():
        data: dict[str, Any] = form.cleaned_data | {
            "allowed_networks": form.cleaned_data["allowed_networks"].splitlines()
        }
        data["link_sign_in"] = data["link_sign_in"] or None
        try:
            saved = change_rules(actor=actor, address=address, **data)
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
            is_overtaken = error.code == "conflict.rules_changed"
        else:
            if isinstance(saved, ProposedChange):
                return waits_for_second_person(request, saved)
            answer = HttpResponseRedirect(reverse("accounts:sign_in_rules"))
            return toast(request, answer, gettext("The rules hold from now on."))
    status = 422 if form.is_bound and not form.is_valid() else 200
    status = 409 if is_overtaken else status
    context = {"form": form, "address": address, "since": now.mfa_required_since}
    return render(request, "accounts/sign_in_rules.html", context, status=status)


@login_required
@never_cache
@require_safe
def sign_ins_of(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Where somebody else is signed in."""
    actor = actor_of(request)
    require(actor, MANAGE_SESSIONS)
    user = get_object_or_404(User, pk=user_id)
    here = sign_in_id_of(request)
    rows = open_sign_ins(user=user, actor=actor, rules=current_rules())
    context = {
        "user_shown": user,
        "places": [Place.of(row, here) for row in rows],
        "has_factor": has_second_factor(user),
        "may_reset": can(actor, "accounts.reset_second_factors") and actor.user_id != user.pk,
    }
    return render(request, "accounts/sign_ins_of.html", context)


@login_required
@require_POST
def revoke_all(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Sign somebody out everywhere; oneself everywhere but here."""
    actor = actor_of(request)
    require(actor, MANAGE_SESSIONS)
    user = get_object_or_404(User, pk=user_id)
    revoke_sign_ins(user=user, actor=actor, but=sign_in_id_of(request))
    return _back(request, user, gettext("%(who)s is signed out everywhere.") % {"who": user.name})


@login_required
@require_POST
def reset_factors(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Take a lost second factor off somebody."""
    actor = actor_of(request)
    require(actor, "accounts.reset_second_factors")
    user = get_object_or_404(User, pk=user_id)
    reset_second_factors(user=user, actor=actor)
    text = gettext("%(who)s signs in with the password alone and sets up a new second factor.")
    return _back(request, user, text % {"who": user.name})


def _back(request: HttpRequest, user: User, text: str) -> HttpResponse:
    answer = HttpResponseRedirect(reverse("accounts:sign_ins_of", args=[user.pk]))
    return toast(request, answer, text)
