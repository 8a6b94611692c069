"""API tokens: making one, seeing it once, revoking it."""

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

from tenants.accounts.access import UserActor, actor_of, all_permissions
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.tokens.selectors import visible_api_tokens
from tenants.accounts.tokens.services import (
    MAX_DAYS,
    IssuedToken,
    create_api_token,
    revoke_api_token,
    rotate_api_token,
)
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


class TokenForm(forms.Form):
    """What the token is for, what it may do and for how long."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What will use it."))
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        choices=[(30, _("30 days")), (90, _("90 days")), (MAX_DAYS, _("One year"))],
        initial=90,
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one permission.")},
    )

    allowed_networks = forms.CharField(
        label=_("Only from these networks"),
        required=False,
        help_text=_("One in each line, like 203.0.113.0/24. Empty: the company's rules hold."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )

    def __init__(self, *args: object, actor: UserActor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        held = actor.codes
        self.fields["scopes"].choices = [  # type: ignore[attr-defined]
            (each.code, _(each.label)) for each in all_permissions() if each.code in held
        ]


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The tokens, and a form for a new one; what a POST makes is shown on the page that answers it only."""
    actor = actor_of(request)
    form = TokenForm(request.POST or None, actor=actor)
    issued = None
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            issued = create_api_token(
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
            form = TokenForm(actor=actor)
    status = 422 if form.is_bound and not form.is_valid() else 200
    return _page(request, form, issued, status=status)


@login_required
@never_cache
@require_POST
def rotate(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Make a token in place of another, which goes on for a day, and show it, this once."""
    actor = actor_of(request)
    token = get_object_or_404(visible_api_tokens(actor=actor), pk=token_id)
    issued = rotate_api_token(token=token, actor=actor)
    return _page(request, TokenForm(actor=actor), issued)


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """Make a token worthless."""
    actor = actor_of(request)
    token = get_object_or_404(visible_api_tokens(actor=actor), pk=token_id)
    revoke_api_token(token=token, actor=actor)
    back = HttpResponseRedirect(reverse("accounts:api_tokens"))
    return toast(request, back, gettext("The token %(name)s was revoked.") % {"name": token.name})


def _page(
    request: HttpRequest, form: TokenForm, issued: IssuedToken | None, *, status: int = 200
) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "tokens": list(visible_api_tokens(actor=actor)),
        "form": form,
        "issued": issued,
        "new_token": issued.token.reveal() if issued else "",
        "user_id": actor.user_id,
    }
    return render(request, "accounts/api_tokens.html", context, status=status)
