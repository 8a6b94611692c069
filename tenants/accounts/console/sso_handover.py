"""Single sign-on for a domain of the company's own: away to the canonical host, which providers know, and back."""

from typing import Final
from uuid import UUID

import structlog
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core import context as allauth_context
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from tenants.accounts.access import actor_of
from tenants.accounts.models import User, UserSession
from tenants.accounts.sessions import handovers
from tenants.accounts.sessions.handovers import HandoverRefused, Purpose
from tenants.accounts.sso import sign_in
from tenants.models import Domain
from tenants.tenancy import atomic, current_tenant, outside_transaction
from tenants.tenancy.addresses import canonical_address, canonical_host, public_address
from tenants.tenancy.middleware import host_of

log = structlog.get_logger(__name__)
BACKEND: Final = "tenants.accounts.backends.EmailBackend"


def set_out(request: HttpRequest, provider_id: UUID, *, next_path: str, hint: str) -> HttpResponse:
    """Send a browser on a domain of the company's own to the canonical host, and remember which one it was."""
    begun = handovers.begin(purpose=Purpose.SINGLE_SIGN_ON, host=host_of(request), next_path=next_path)
    back = reverse("sso:hand_over", query={"state": begun.state})
    query = {"next": back} | ({"hint": hint} if hint else {})
    answer = HttpResponseRedirect(canonical_address(reverse("sso:start", args=[provider_id], query=query)))
    handovers.give_cookie(answer, begun)
    return answer


@login_required
@never_cache
@require_GET
def hand_over(request: HttpRequest) -> HttpResponse:
    """On the canonical host, after the sign-in there: hand whoever came by single sign-on to the host they began on."""
    state = request.GET.get("state", "")
    standing = getattr(request, "standing", None)
    if host_of(request) != canonical_host() or standing is None or standing.method != UserSession.Method.SSO:
        raise HandoverRefused
    begun_at = handovers.is_under_way(state=state, purpose=Purpose.SINGLE_SIGN_ON).created_at
    payload = {
        "user_id": str(actor_of(request).user_id),
        "came_by": request.session.get(sign_in.SESSION_KEY) or {},
    }
    host, code = handovers.vouch(state=state, purpose=Purpose.SINGLE_SIGN_ON, payload=payload)
    if not Domain.objects.filter(host=host, tenant_id=current_tenant().id).exists():
        raise HandoverRefused
    # A sign-in that was made for this way only does not stay behind, where nobody would think of ending it.
    moved = UserSession.objects.filter(pk=standing.sign_in_id, started_at__gte=begun_at, ended_at=None)
    if moved.update(ended_at=timezone.now(), ended_because="moved"):
        request.session.flush()
    log.info("sign_in.handed_over", host=host)
    path = reverse("sso:arrive", query={"state": state, "code": code})
    return HttpResponseRedirect(public_address(host, path))


@login_not_required
@never_cache
@outside_transaction
@require_GET
def arrive(request: HttpRequest) -> HttpResponseBase:
    """Back on the host it began on: the code signs in, once, in the browser that began."""
    arrived = handovers.redeem(
        state=request.GET.get("state", ""),
        code=request.GET.get("code", ""),
        browser=handovers.cookie_of(request),
        host=host_of(request),
        purpose=Purpose.SINGLE_SIGN_ON,
    )
    with atomic():
        user = User.objects.filter(pk=arrived.payload["user_id"], is_active=True).first()
        if user is None:
            raise HandoverRefused
        came_by = arrived.payload["came_by"]
        # Whoever else was signed in on this browser is not the person who comes now.
        request.session.flush()
        setattr(user, "backend", BACKEND)  # noqa: B010 - allauth looks for it there
        request.session[sign_in.SESSION_KEY] = came_by
        with allauth_context.request_context(request):
            record_authentication(request, user, method="sso", provider=str(came_by.get("provider", "")))
            login = Login(user=user, redirect_url=arrived.next_path or "/")
            response: HttpResponseBase = perform_login(request, login)
        if isinstance(response, HttpResponse):
            response.delete_cookie(handovers.cookie_name())
        request.session.save()
    return response
