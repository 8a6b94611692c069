"""Messages of a sign-in or a directory that are too long to be read at all: refused, and told to the company."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.sso_log import visit_of
from tenants.foundation.requests import is_short, too_large
from tenants.tenancy import atomic

# What was tried, by the address: the words of the same refusal when the message could still be read.
_EVENTS: Final = {
    "sso:saml_acs": "sign_in",
    "sso:saml_slo": "logout",
    "sso:oidc_backchannel": "logout",
    "account_login": "sign_in",
    "account_passkey_sign_in": "passkey_sign_in",
    "account_second_factor": "passkey_second_factor",
    "account_prove": "passkey_proof",
    "accounts:new_passkey": "passkey_set_up",
}
_RESOURCES: Final = {
    "users": "user", "user": "user", "groups": "group", "group": "group", "bulk": "bulk",
}  # fmt: skip


class OversizedMiddleware:
    """Refuses by the announced length, as the outermost middleware does elsewhere, with an entry in the log.

    The body is never taken in. It stands inside the company's scope and outside the request's transaction.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer 413, or go on."""
        if is_short(request):
            return self.get_response(request)
        try:
            match = resolve(request.path_info)
        except Resolver404:
            return too_large(request)
        if event := event_of(match, request.method or ""):
            with atomic():
                sso_log.note(
                    event=event,
                    outcome=sso_log.Outcome.REFUSED,
                    provider=_provider_in(match),
                    visit=visit_of(request),
                    refused=SsoRefused(Reason.TOO_LARGE),
                )
        return too_large(request)


def _provider_in(match: ResolverMatch) -> IdentityProvider | None:
    provider_id = match.kwargs.get("provider_id")
    return IdentityProvider.objects.filter(pk=provider_id).first() if provider_id else None


def event_of(match: ResolverMatch, method: str) -> str:
    """What was tried at this address, as the log names it; "" where nobody signs in."""
    if match.namespace == "scim":
        resource = _RESOURCES.get(match.url_name or "", "")
        return ".".join(part for part in ("scim", resource, method.lower()) if part)
    return _EVENTS.get(match.view_name, "")
