"""Support access: asked for on the platform's host, decided at Settings → Support access, gone through in between."""

from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required, login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import actor_of, can, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.models import UserSession
from tenants.accounts.sessions import handovers
from tenants.accounts.sessions.services import ROW_KEY
from tenants.accounts.support.visits import visits_under
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError, Forbidden
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages
from tenants.models import OperatorGrant, Tenant
from tenants.operator_access import asking, closing, deciding, entering
from tenants.permissions import DECIDE_SUPPORT, ENTER_COMPANIES, SEE_COMPANIES, require_operator
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import host_of_slug, public_address
from tenants.tenancy.middleware import host_of

BACKEND = "tenants.accounts.backends.EmailBackend"
SHOWN = 50
OFFERED = 50
ROLES = [("read_only", _("To look, changing nothing")), ("admin", _("To look and to change"))]


class AskForm(forms.Form):
    """What an operator tells the company."""

    company = forms.CharField(
        label=_("Company"), max_length=63,
        help_text=_("The first part of its host name, such as acme. “Companies” finds it."),
        widget=forms.TextInput(attrs={"list": "companies-offered", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    reason = forms.CharField(
        label=_("Reason"),
        max_length=asking.LONGEST_REASON,
        help_text=_("The company reads this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    ticket = forms.CharField(label=_("Ticket"), max_length=80, required=False)
    role = forms.ChoiceField(label=_("What for"), choices=ROLES)
    minutes = forms.IntegerField(
        label=_("Minutes"), min_value=asking.LEAST_MINUTES, max_value=asking.MOST_MINUTES, initial=60
    )

    def clean_company(self) -> Tenant:
        """The company at this address."""
        found = companies_there().filter(slug=str(self.cleaned_data["company"]).strip().lower()).first()
        if found is None:
            raise forms.ValidationError(gettext("There is no company at this address."))
        return found

    @staticmethod
    def offered() -> list[Tenant]:
        """The newest companies, to choose from without typing: there may be thousands."""
        return list(companies_there().order_by("-created_at")[:OFFERED])


def companies_there() -> QuerySet[Tenant]:
    """Companies that could be asked."""
    return Tenant.objects.exclude(slug="platform").exclude(state=Tenant.State.DELETED)


class ApproveForm(forms.Form):
    """What the company gives: at most what was asked for."""

    role = forms.ChoiceField(label=_("They may"), choices=ROLES)
    minutes = forms.IntegerField(label=_("For how many minutes"), min_value=asking.LEAST_MINUTES)

    def __init__(self, data: QueryDict | None, *, grant: OperatorGrant) -> None:
        super().__init__(data, initial={"role": grant.wanted_role, "minutes": grant.wanted_minutes})
        if grant.wanted_role == OperatorGrant.Role.READ_ONLY:
            role = self.fields["role"]
            assert isinstance(role, forms.ChoiceField)
            role.choices = ROLES[:1]
        self.fields["minutes"].widget.attrs["max"] = grant.wanted_minutes


# --- on the platform's host


@login_required
@never_cache
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def access(request: HttpRequest) -> HttpResponse:
    """The operators' requests; a POST asks another company."""
    with atomic():
        actor = actor_of(request)
        require_operator(actor, SEE_COMPANIES)
    form = AskForm(request.POST or None, initial={"company": request.GET.get("company", "")})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            with atomic():
                grant = asking.ask_to_enter(
                    company_id=data["company"].pk, reason=data["reason"], ticket=data["ticket"], role=data["role"],
                    minutes=data["minutes"], actor=actor,
                )  # fmt: skip
        except DomainError as error:
            add_domain_error(form, error)
        else:
            text = gettext("%(name)s was asked.") % {"name": grant.tenant.name}
            with atomic():
                return toast(request, HttpResponseRedirect(reverse("platform:access")), text)
    with atomic():
        page = keyset_page(
            asking.grants_of(actor=actor).order_by(), sort="-asked", sorts={"asked": "asked_at"}, size=SHOWN,
            cursor=request.GET.get("cursor") or None,
        )  # fmt: skip
        context = {
            "form": form,
            "offered": AskForm.offered(),
            "pages": Pages(previous_url=_at(page.previous_cursor), next_url=_at(page.next_cursor)),
            "grants": [
                {
                    "row": row,
                    "is_mine": row.operator_id == actor.user_id,
                    "is_in_force": row.state == OperatorGrant.State.APPROVED
                    and row.ends_at is not None
                    and row.ends_at > timezone.now(),
                    "enter": public_address(
                        host_of_slug(row.tenant.slug), reverse("support:set_out", args=[row.pk])
                    ),
                }
                for row in page.rows
            ],
            "may_ask": can(actor, ENTER_COMPANIES),
        }
        return render(request, "tenants/operator_grants.html", context, status=422 if form.errors else 200)


def _at(cursor: str | None) -> str:
    return f"{reverse('platform:access')}?{urlencode({'cursor': cursor})}" if cursor else ""


@login_required
@require_POST
def give_back(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Withdraw a request, or end a grant before its time."""
    asking.give_back(grant_id=grant_id, actor=actor_of(request))
    return toast(request, HttpResponseRedirect(reverse("platform:access")), gettext("It is over."))


@login_required
@never_cache
@require_safe
def vouch(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Show the operator where they are about to go; the link works once, in this browser."""
    state = request.GET.get("state", "")
    way = entering.vouch_for_operator(grant_id=grant_id, state=state, actor=actor_of(request))
    path = reverse("support:enter", args=[grant_id], query={"state": state, "code": way.code})
    context = {"grant": way.grant, "address": public_address(way.host, path)}
    return render(request, "tenants/operator_enters.html", context)


# --- on the company's host


@login_not_required
@never_cache
@require_safe
def set_out(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Begin here: this browser gets a cookie of this host, and goes to the platform to say who it is."""
    begun = entering.set_out(grant_id=grant_id, host=host_of(request))
    path = reverse("platform:access_vouch", args=[grant_id], query={"state": begun.state})
    answer = HttpResponseRedirect(public_address(host_of_slug("platform"), path))
    handovers.give_cookie(answer, begun)
    return answer


@login_not_required
@never_cache
@outside_transaction
@require_safe
def enter(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Come in with the code, in the browser that began; whoever was signed in here is not that operator."""
    visitor = entering.come_in(
        grant_id=grant_id,
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        browser=handovers.cookie_of(request),
        host=host_of(request),
    )
    with atomic():
        request.session.flush()
        request.sign_in_method = UserSession.Method.OTHER  # type: ignore[attr-defined]
        login(request, visitor.user, backend=BACKEND)
        sign_in_id = UUID(str(request.session[ROW_KEY]))
        entering.note_entry(visitor, sign_in_id=sign_in_id)
        request.session.set_expiry(visitor.ends_at)
        request.session.save()
    answer = HttpResponseRedirect("/")
    answer.delete_cookie(handovers.cookie_name())
    return answer


@login_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """End one's visit, and the grant with it."""
    visit = getattr(request, "visit", None)
    if visit is None:
        return HttpResponseRedirect("/")
    closing.close(
        grant_id=visit.grant_id, target=OperatorGrant.State.ENDED, by=actor_of(request).name, because="left"
    )
    request.session.flush()
    return HttpResponseRedirect(public_address(host_of_slug("platform"), reverse("platform:access")))


@login_required
@never_cache
@require_safe
def support_access(request: HttpRequest) -> HttpResponse:
    """Who asked to come in, who is in, and what they did."""
    actor = actor_of(request)
    rows = list(deciding.visible_grants(actor=actor)[:SHOWN])
    state = OperatorGrant.State
    context = {
        "asked": [row for row in rows if row.state == state.ASKED],
        "inside": [row for row in rows if asking.grant_in_force(row.pk, row.operator_id) is not None],
        "past": [
            row
            for row in rows
            if row.state != state.ASKED and asking.grant_in_force(row.pk, row.operator_id) is None
        ],
        "is_shut": deciding.is_shut(),
        "may_decide": can(actor, DECIDE_SUPPORT),
    }
    return render(request, "tenants/support_access.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def support_grant(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """One request: what is wanted and why, the decision, and everything that was done; a POST lets in."""
    actor = actor_of(request)
    grant = get_object_or_404(deciding.visible_grants(actor=actor), pk=grant_id)
    if request.method == "POST":
        require(actor, DECIDE_SUPPORT)
    form = ApproveForm(request.POST if request.method == "POST" else None, grant=grant)
    if request.method == "POST" and form.is_valid():
        try:
            deciding.approve(grant_id=grant_id, actor=actor, **form.cleaned_data)
        except DomainError as error:
            if isinstance(error, Forbidden):
                raise
            add_domain_error(form, error)
        else:
            return toast(
                request,
                HttpResponseRedirect(reverse("support_access:grant", args=[grant_id])),
                gettext("%(name)s may come in.") % {"name": grant.operator_name},
            )
    context = {
        "grant": grant,
        "form": form,
        "visits": visits_under(grant.pk),
        "is_in_force": asking.grant_in_force(grant.pk, grant.operator_id) is not None,
        "may_decide": can(actor, DECIDE_SUPPORT),
    }
    return render(request, "tenants/support_grant.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def refuse(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Let an operator not in."""
    grant = deciding.refuse(grant_id=grant_id, actor=actor_of(request))
    text = gettext("%(name)s was refused.") % {"name": grant.operator_name}
    return toast(request, HttpResponseRedirect(reverse("support_access:overview")), text)


@login_required
@require_POST
def revoke(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Send an operator away."""
    grant = deciding.revoke(grant_id=grant_id, actor=actor_of(request))
    text = gettext("%(name)s was sent away.") % {"name": grant.operator_name}
    return toast(request, HttpResponseRedirect(reverse("support_access:overview")), text)


@login_required
@require_POST
def rule(request: HttpRequest) -> HttpResponse:
    """Ask every time, or let nobody ask."""
    shut = request.POST.get("rule") == "never"
    deciding.set_rule(shut=shut, actor=actor_of(request))
    text = gettext("Operators can no longer ask.") if shut else gettext("Operators have to ask every time.")
    return toast(request, HttpResponseRedirect(reverse("support_access:overview")), text)
