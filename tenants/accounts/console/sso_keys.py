"""Our own keys towards SAML providers: which there are, and rolling them over."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenants.accounts.access import UserActor, actor_of, require
from tenants.accounts.models import ServiceProviderKey
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sso.saml import own_keys
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError, NotFound


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """Show the keys; a POST makes the next one, puts it to use, or gives one up."""
    actor = actor_of(request)
    require(actor, own_keys.PERMISSION)
    if request.method != "POST":
        return _page(request, actor)
    try:
        text = _done(request, actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        return _page(request, actor, problem=error.message, status=422)
    return toast(request, HttpResponseRedirect(reverse("accounts:sso_keys")), text)


def _done(request: HttpRequest, actor: UserActor) -> str:
    action = request.POST.get("action", "")
    if action == "make":
        own_keys.make_next_key(actor=actor)
        return gettext("The next key was made. Let the providers read our metadata again.")
    if action == "use":
        own_keys.use_next_key(actor=actor)
        return gettext("The next key is in use.")
    try:
        key_id = UUID(request.POST.get("key_id", ""))
    except ValueError:
        raise NotFound from None
    own_keys.give_key_up(key=get_object_or_404(ServiceProviderKey, pk=key_id), actor=actor)
    return gettext("The key was given up.")


def _page(request: HttpRequest, actor: UserActor, *, problem: str = "", status: int = 200) -> HttpResponse:
    rows = own_keys.visible_keys(actor=actor)
    states = {row.state for row in rows}
    context = {
        "keys": [{"row": row, "facts": facts_of(row.certificate)} for row in rows],
        "may_make": states == {ServiceProviderKey.State.CURRENT},
        "has_next": ServiceProviderKey.State.NEXT in states,
        "problem": problem,
    }
    return render(request, "accounts/sso_keys.html", context, status=status)
