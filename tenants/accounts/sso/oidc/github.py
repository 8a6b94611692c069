"""GitHub, which speaks OAuth only: who somebody is comes from its API, the organisation decides who may come in."""

from typing import Any, Final
from urllib.parse import quote

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.claims import Claims
from tenants.accounts.sso.oidc.discovery import Endpoints, client
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.foundation.errors import ExternalServiceError
from tenants.foundation.http import OutboundResponse

ENDPOINTS: Final = Endpoints(
    issuer="https://github.com",
    authorisation="https://github.com/login/oauth/authorize",
    token="https://github.com/login/oauth/access_token",  # noqa: S106 - an address
    jwks="",
    userinfo="https://api.github.com/user",
    names_itself=False,
)
API: Final = "https://api.github.com"


def claims_of(provider: IdentityProvider, token: str, *, api: str = API) -> Claims:
    """Ask who the token's owner is. The number of the account is the subject: names can be given up and taken.

    Raises: SsoRefused (not in the organisation, no verified primary address).
    """
    if not token:
        raise SsoRefused(Reason.TOKEN_REFUSED, "GitHub sent no access token.")
    user = _get(f"{api}/user", token)
    subject = user.get("id") if isinstance(user, dict) else None
    if not isinstance(subject, int):
        raise SsoRefused(Reason.SUBJECT)
    organisation = quote(provider.organisation, safe="")
    membership = _get(f"{api}/user/memberships/orgs/{organisation}", token, may_be_missing=True)
    if not isinstance(membership, dict) or membership.get("state") != "active":
        text = f"{user.get('login')} is no active member of {provider.organisation}."
        raise SsoRefused(Reason.ORGANISATION, text, subject=str(subject))
    addresses = _get(f"{api}/user/emails", token)
    primary = (
        next((each for each in addresses if isinstance(each, dict) and each.get("primary")), {})
        if isinstance(addresses, list)
        else {}
    )
    return Claims(
        subject=str(subject),
        email=str(primary.get("email") or ""),
        is_email_verified=primary.get("verified") is True,
        name=str(user.get("name") or user.get("login") or "")[:120],
        groups=[provider.organisation, f"{provider.organisation}:{membership.get('role', 'member')}"],
        evidence={},
    )


def _get(url: str, token: str, *, may_be_missing: bool = False) -> Any:
    headers = {"accept": "application/vnd.github+json", "authorization": f"Bearer {token}"}
    try:
        with client(url, is_awaited=True) as outbound:
            answer: OutboundResponse = outbound.request("GET", url, headers=headers)
        if may_be_missing and answer.status in {403, 404}:
            return None
        if not answer.is_success:
            raise SsoRefused(Reason.PROVIDER_ERROR, f"GitHub answered {answer.status}.")
        return answer.json()
    except ExternalServiceError as error:
        raise SsoRefused(Reason.PROVIDER_ERROR, error.message) from error
