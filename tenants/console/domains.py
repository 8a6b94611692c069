"""Settings → Domains: names of the company's own, with what to set, a live check, and the one letters lead to."""

from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.branding.domains import services
from tenants.branding.domains.checking import LOST_AFTER, check_domain
from tenants.branding.domains.names import shown
from tenants.foundation.console import toast
from tenants.foundation.errors import Conflict, DomainError, Forbidden, NotFound
from tenants.models import CustomDomain
from tenants.permissions import MANAGE_DOMAINS
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import canonical_host, public_address


class ClaimForm(forms.Form):
    """The name to be reached under."""

    domain = forms.CharField(
        label=_("Domain"),
        max_length=253,
        help_text=_("A name of your own, such as tasks.example.com."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "inputmode": "url"}
        ),
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def domains(request: HttpRequest) -> HttpResponse:
    """The company's names; a POST claims another one."""
    actor = actor_of(request)
    if request.method == "POST":
        require(actor, MANAGE_DOMAINS)
    form = ClaimForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.claim_domain(host=form.cleaned_data["domain"], actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            text = gettext("%(host)s was added. Set the two records now.") % {"host": shown(made.host)}
            return toast(request, _back(made), text)
    return _page(request, actor, form, status=422 if form.is_bound else 200)


@login_required
@outside_transaction
@require_POST
def check(request: HttpRequest, custom_domain_id: UUID) -> HttpResponse:
    """Ask the name servers now."""
    actor = actor_of(request)
    try:
        row = check_domain(domain_id=custom_domain_id, actor=actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        with atomic():
            return _refused(request, actor, error)
    with atomic():
        return toast(request, _back(row), _outcome(row))


@login_required
@require_POST
def remove(request: HttpRequest, custom_domain_id: UUID) -> HttpResponse:
    """Give a name up."""
    actor = actor_of(request)
    services.remove_domain(domain_id=custom_domain_id, actor=actor)
    answer = HttpResponseRedirect(reverse("domains:domains"))
    return toast(request, answer, gettext("The domain was removed. It leads nowhere now."))


@login_required
@require_POST
def primary(request: HttpRequest) -> HttpResponse:
    """Choose the host that letters and links lead to."""
    actor = actor_of(request)
    chosen = request.POST.get("domain", "")
    try:
        host = services.choose_primary(domain_id=UUID(chosen) if chosen else None, actor=actor)
    except ValueError:
        return HttpResponseRedirect(reverse("domains:domains"))
    except ProofNeeded:
        raise
    except DomainError as error:
        return _refused(request, actor, error)
    answer = HttpResponseRedirect(reverse("domains:domains"))
    return toast(request, answer, gettext("Letters and links lead to %(host)s.") % {"host": shown(host)})


def _refused(request: HttpRequest, actor: UserActor, error: DomainError) -> HttpResponse:
    if isinstance(error, Forbidden | NotFound):
        raise error
    status = 409 if isinstance(error, Conflict) else 422
    return _page(request, actor, ClaimForm(), status=status, problem=error.message)


def _page(
    request: HttpRequest, actor: UserActor, form: ClaimForm, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    rows = list(services.visible_domains(actor=actor))
    canonical = canonical_host()
    context = {
        "form": form,
        "problem": problem,
        "domains": [
            {
                "row": row,
                "shown": shown(row.host),
                "record": services.proof_of(row),
                "address": public_address(row.host, "/"),
                "ends_at": row.missing_since + LOST_AFTER if row.missing_since else None,
            }
            for row in rows
        ],
        "canonical": canonical,
        "active": [row for row in rows if row.state == CustomDomain.State.ACTIVE],
        "primary": next((row.pk for row in rows if row.is_primary), None),
        "target": services.target(),
        "may_manage": can(actor, MANAGE_DOMAINS),
    }
    return render(request, "tenants/domains.html", context, status=status)


def _outcome(row: CustomDomain) -> str:
    if row.state == CustomDomain.State.ACTIVE and not row.proof_problem:
        return gettext("%(host)s works.") % {"host": shown(row.host)}
    if row.state == CustomDomain.State.VERIFIED:
        return gettext("%(host)s is proved. It does not lead here yet.") % {"host": shown(row.host)}
    return gettext("%(host)s is not proved: see below.") % {"host": shown(row.host)}


def _back(row: CustomDomain) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('domains:domains')}#domain-{row.pk}")
