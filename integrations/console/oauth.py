"""Granting access by OAuth: off to the outside service, back to the one address it knows, on to the company's host."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.console.workspaces import look_now
from integrations.oauth import state as oauth_state
from integrations.oauth.state import InvalidState
from integrations.registry import open_oauth
from integrations.selectors import connection_for
from integrations.services import accept_grant
from tenants.accounts.access import UserActor, actor_of, require
from tenants.foundation.console import PLATFORM_SLUG, toast
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic, current_tenant, outside_transaction
from tenants.tenancy.addresses import address_of
from tenants.tenancy.directory import directory

log = structlog.get_logger(__name__)

CONNECTOR: Final = "notion"
_LONGEST_CODE: Final = 2000


def redirect_uri() -> str:
    """The one address the service sends people back to, whatever their company; as registered there."""
    base = settings.OAUTH_CALLBACK_BASE or address_of(PLATFORM_SLUG)
    return f"{base}{reverse('integrations:oauth_callback')}"


@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Leave for the service to choose what a new connection may see."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    return _leave(request, actor, None)


@never_cache
@require_GET
def reauthorise(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Leave for the service to give exactly this connection new access."""
    actor = actor_of(request)
    require(actor, "integrations.connect")
    return _leave(request, actor, connection_for(actor=actor, connection_id=connection_id).pk)


def _leave(request: HttpRequest, actor: UserActor, connection_id: UUID | None) -> HttpResponse:
    provider = open_oauth(CONNECTOR)
    state = oauth_state.begin(
        request.session, host=request.get_host(), user_id=actor.user_id, connection_id=connection_id
    )
    return HttpResponseRedirect(provider.authorise_url(state=state, redirect_uri=redirect_uri()))


@login_not_required
@never_cache
@outside_transaction
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Where the service sends people back to: the platform's host hands them on, the company's host finishes."""
    if current_tenant().slug == PLATFORM_SLUG:
        return _hand_on(request)
    if not request.user.is_authenticated:
        return _refused(request, _("Your sign-in has ended meanwhile. Sign in, then grant access again."))
    actor = actor_of(request)
    try:
        pending = oauth_state.take(
            request.session,
            state=request.GET.get("state", ""),
            host=request.get_host(),
            user_id=actor.user_id,
        )
    except InvalidState as error:
        return _refused(request, error.message)
    if request.GET.get("error"):
        return _refused(request, _declined(request.GET["error"]), pending.connection_id)
    code = request.GET.get("code", "")
    if not code or len(code) > _LONGEST_CODE:
        return _refused(request, _("Notion sent no code along. Grant access again."), pending.connection_id)
    try:
        connection = accept_grant(
            code=code, redirect_uri=redirect_uri(), actor=actor, connection_id=pending.connection_id
        )
    except DomainError as error:
        return _refused(request, error.message, pending.connection_id)
    look_now(connection, actor)
    with atomic():
        if pending.connection_id:
            text = _("%(name)s is read again.") % {"name": connection.name}
        else:
            text = _("%(name)s is connected.") % {"name": connection.name}
        return toast(
            request, HttpResponseRedirect(reverse("integrations:workspace", args=[connection.pk])), text
        )


def _hand_on(request: HttpRequest) -> HttpResponse:
    """Send the browser on to the host where it began. The state is signed, so this is no open redirect."""
    state = request.GET.get("state", "")
    try:
        tenant_id, host = oauth_state.origin_of(state)
    except InvalidState as error:
        return _refused(request, error.message)
    tenant = directory.by_host(host.rpartition(":")[0] or host)
    if tenant is None or tenant.id != tenant_id:
        return _refused(request, InvalidState.default_message)
    known = {name: request.GET[name] for name in ("code", "state", "error") if name in request.GET}
    address = f"{settings.PUBLIC_SCHEME}://{host}{reverse('integrations:oauth_callback')}"
    return HttpResponseRedirect(f"{address}?{urlencode(known)}")


def _declined(error: str) -> str:
    if error == "access_denied":
        return _("Access was not granted in Notion. Nothing was connected.")
    return _("Notion reports that access could not be granted. Nothing was connected.")


def _refused(request: HttpRequest, problem: str, connection_id: UUID | None = None) -> HttpResponse:
    log.info("oauth.refused", problem=problem, connection_id=connection_id)
    with atomic():
        may_go_on = request.user.is_authenticated and current_tenant().slug != PLATFORM_SLUG
        context = {"problem": problem, "connection_id": connection_id, "may_go_on": may_go_on}
        return render(request, "integrations/oauth_refused.html", context, status=400)
