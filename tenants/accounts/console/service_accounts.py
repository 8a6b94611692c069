"""Service accounts: programs with a role and tokens of their own."""

from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tenants.accounts.access import Role, UserActor, actor_of, codes_of, permission
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.users import roles_to_give
from tenants.accounts.models import ApiToken, RoleBinding, ServiceAccount
from tenants.accounts.services import deactivate_user
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.tokens.service_accounts import (
    create_service_account,
    issue_service_token,
    visible_service_accounts,
)
from tenants.accounts.tokens.services import IssuedToken, rotate_api_token
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


class AccountForm(forms.Form):
    """Which program, and what it may do."""

    name = forms.CharField(label=_("Name"), max_length=120)
    purpose = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    role = forms.ChoiceField(label=_("Role"))

    def __init__(self, *args: object, actor: UserActor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = [choice for choice in roles_to_give(actor) if choice[0] != Role.OWNER.value]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]
        self.fields["role"].initial = Role.MEMBER.value


class ServiceTokenForm(forms.Form):
    """A token of the program's."""

    name = forms.CharField(label=_("Name"), max_length=120)
    days = forms.IntegerField(label=_("Days it lives"), initial=90)
    scopes = forms.MultipleChoiceField(label=_("It may"), widget=forms.CheckboxSelectMultiple)
    allowed_networks = forms.CharField(
        label=_("Only from these networks"),
        required=False,
        help_text=_("One in each line. Empty: the company's rules hold."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )

    def __init__(self, *args: object, account: ServiceAccount, actor: UserActor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        bindings = RoleBinding.objects.filter(user=account.user).exclude(role="")
        held = frozenset[str]().union(*(codes_of(Role(each.role)) for each in bindings))
        codes = sorted(code for code in held if actor.holds(code))
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (code, _(permission(code).label)) for code in codes
        ]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account_list(request: HttpRequest) -> HttpResponse:
    """The programs, and a form for a new one."""
    actor = actor_of(request)
    accounts = visible_service_accounts(actor=actor)
    form = AccountForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            account = create_service_account(
                actor=actor, name=data["name"], role=Role(data["role"]), purpose=data["purpose"]
            )
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return HttpResponseRedirect(reverse("accounts:service_account", args=[account.pk]))
    status = 422 if form.is_bound and not form.is_valid() else 200
    context = {"accounts": list(accounts), "form": form}
    return render(request, "accounts/service_accounts.html", context, status=status)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def account_page(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """One program with its tokens; what a POST makes is shown on the page that answers it only."""
    actor = actor_of(request)
    account = get_object_or_404(visible_service_accounts(actor=actor), pk=account_id)
    form = ServiceTokenForm(request.POST or None, account=account, actor=actor)
    issued = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            issued = issue_service_token(
                account=account,
                actor=actor,
                name=data["name"],
                scopes=data["scopes"],
                days=data["days"],
                allowed_networks=data["allowed_networks"].splitlines(),
            )
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            form = ServiceTokenForm(account=account, actor=actor)
    status = 422 if form.is_bound and not form.is_valid() else 200
    return _page(request, account, form, issued, status=status)


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, account_id: UUID, token_id: UUID) -> HttpResponse:
    """Make a token in place of another of the program's, and show it, this once."""
    actor = actor_of(request)
    account = get_object_or_404(visible_service_accounts(actor=actor), pk=account_id)
    token = get_object_or_404(ApiToken.objects.filter(user=account.user), pk=token_id)
    issued = rotate_api_token(token=token, actor=actor)
    return _page(request, account, ServiceTokenForm(account=account, actor=actor), issued)


@login_required
@require_POST
def deactivate(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Shut a program out, with all its tokens."""
    actor = actor_of(request)
    account = get_object_or_404(visible_service_accounts(actor=actor), pk=account_id)
    deactivate_user(user=account.user, actor=actor)
    answer = HttpResponseRedirect(reverse("accounts:service_accounts"))
    return toast(request, answer, gettext("%(name)s is shut out.") % {"name": account.user.name})


def _page(
    request: HttpRequest,
    account: ServiceAccount,
    form: ServiceTokenForm,
    issued: IssuedToken | None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "account": account,
        "tokens": list(ApiToken.objects.filter(user=account.user)),
        "form": form,
        "issued": issued,
        "new_token": issued.token.reveal() if issued else "",
    }
    return render(request, "accounts/service_account.html", context, status=status)
