"""What an auditor is shown: evidence of the platform's checks, and certificates of deletions, each to be downloaded."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tenants.accounts.access import actor_of
from tenants.foundation.console import htmx_of
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Segment
from tenants.foundation.signing import SignedDocument
from tenants.selectors import BY_TIME, CHECKS, certificate_for, signed_evidence, visible_evidence

PAGE_SIZE = 30
OUTCOMES = {"": None, "passed": True, "failed": False}
OUTCOME_WORDS = {"": _("All"), "passed": _("Passed"), "failed": _("Failed")}


@login_required
@require_safe
def evidence(request: HttpRequest) -> HttpResponse:
    """The runs of the checks, newest first."""
    kind, outcome = request.GET.get("kind", ""), request.GET.get("outcome", "")
    kind, outcome = kind if kind in CHECKS else "", outcome if outcome in OUTCOMES else ""
    page = keyset_page(
        visible_evidence(actor=actor_of(request), kind=kind, is_passed=OUTCOMES[outcome]), sort="-started",
        sorts=BY_TIME, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE,
    )  # fmt: skip
    context = {
        "runs": [(row, CHECKS.get(row.kind, row.kind)) for row in page.rows],
        "kinds": [
            Segment(label=str(label), url=_address(key, outcome), is_current=key == kind)
            for key, label in {"": _("All checks"), **CHECKS}.items()
        ],
        "outcomes": [
            Segment(label=str(label), url=_address(kind, key), is_current=key == outcome)
            for key, label in OUTCOME_WORDS.items()
        ],
        "pages": Pages(
            previous_url=_address(kind, outcome, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(kind, outcome, page.next_cursor) if page.next_cursor else "",
        ),
        "is_narrowed": bool(kind or outcome),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"tenants/evidence.html{part}", context)


@login_required
@require_safe
@never_cache
def evidence_report(request: HttpRequest, evidence_id: UUID) -> HttpResponse:
    """One run with its whole report, as a signed file."""
    signed = signed_evidence(actor=actor_of(request), evidence_id=evidence_id)
    check, day = signed.document["check"], signed.document["finished_at"][:10]
    return _file(signed, f"evidence-{check}-{day}-{evidence_id.hex[-6:]}.json")


@login_required
@require_safe
@never_cache
def certificate(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """The certificate of a deleted company, as a signed file."""
    signed = certificate_for(actor=actor_of(request), tenant_id=company_id)
    return _file(signed, f"deletion-certificate-{company_id}.json")


def _file(signed: SignedDocument, name: str) -> HttpResponse:
    response = JsonResponse(signed.as_json(), json_dumps_params={"indent": 2, "ensure_ascii": False})
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _address(kind: str, outcome: str, cursor: str | None = None) -> str:
    pairs = {"kind": kind, "outcome": outcome, "cursor": cursor or ""}
    kept = {name: value for name, value in pairs.items() if value}
    return reverse("platform:evidence") + (f"?{urlencode(kept)}" if kept else "")
