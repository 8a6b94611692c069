"""The code flow with PKCE: away to the provider, back with a code, and what its ID token says."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import structlog

from tenants.accounts.keyed_hashes import keyed_hash
from tenants.accounts.models import IdentityProvider, User
from tenants.accounts.sso import pending
from tenants.accounts.sso.addresses import redirect_uri
from tenants.accounts.sso.claims import Claims, groups_in
from tenants.accounts.sso.oidc import github
from tenants.accounts.sso.oidc.discovery import Endpoints, client, discover
from tenants.accounts.sso.oidc.tokens import verified
from tenants.accounts.sso.presets import PRESETS
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.services import client_secret
from tenants.accounts.sso.sign_in import offered_provider
from tenants.foundation.errors import ExternalServiceError
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)

Kind = IdentityProvider.Kind
_REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat", "nonce"]
_LONGEST_CODE: Final = 4000
_LONGEST_SUBJECT: Final = 255
_LONGEST_SESSION: Final = 512


def verifier_of(state: str) -> str:
    """The PKCE verifier of a sign-in: from the state, which only the browser holds, and our pepper. Kept nowhere."""
    return keyed_hash("sso-pkce", state).hex()


def nonce_of(state: str) -> str:
    """The nonce of a sign-in, in the same way."""
    return keyed_hash("sso-nonce", state).hex()


def start(
    *,
    provider_id: UUID,
    browser: str,
    next_path: str = "",
    tester: User | None = None,
    is_by_link: bool = False,
    hint: str = "",
) -> str:
    """Return the address to send the browser to; asks the provider, so call it outside any transaction.

    Raises: SsoRefused.
    """
    with atomic():
        provider = offered_provider(provider_id, tester=tester)
        if provider.kind == Kind.SAML:
            raise SsoRefused(Reason.NOT_OFFERED)
    authorisation = _endpoints(provider).authorisation
    with atomic():
        begun = pending.begin(
            provider=provider, browser=browser, next_path=next_path, tester=tester, is_by_link=is_by_link
        )
        back = redirect_uri(provider)
    digest = hashlib.sha256(verifier_of(begun.state).encode("ascii")).digest()
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": back,
        "scope": PRESETS[provider.preset].scopes,
        "state": begun.state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        "code_challenge_method": "S256",
    }
    if provider.kind == Kind.OIDC:
        asked["nonce"] = nonce_of(begun.state)
        if hint:
            asked["login_hint"] = hint
        if provider.preset == IdentityProvider.Preset.GOOGLE and provider.organisation:
            asked["hd"] = provider.organisation
    separator = "&" if urlsplit(authorisation).query else "?"
    return f"{authorisation}{separator}{urlencode(asked)}"


def accept(*, provider_id: UUID, query: Mapping[str, str], browser: str) -> str:
    """Exchange the code and believe the token or not; return the state under which the browser finishes.

    Asks the provider, so call it outside any transaction. Raises: SsoRefused.
    """
    state = query.get("state", "")
    with atomic():
        row = pending.on_its_way(provider_id=provider_id, state=state)
        provider = row.provider
        if not (provider.is_offered or row.is_test) or provider.kind == Kind.SAML:
            raise SsoRefused(Reason.NOT_OFFERED)
        pending.check_browser(row, browser)
        secret, back = client_secret(provider), redirect_uri(provider)
    if query.get("error"):
        said = f"{query['error']}: {query.get('error_description', '')}"
        raise SsoRefused(Reason.PROVIDER_ERROR, f"The provider says {said[:300]}")
    code = query.get("code", "")
    if not code or len(code) > _LONGEST_CODE:
        raise SsoRefused(Reason.MALFORMED, "The provider sent no code.")
    endpoints = _endpoints(provider, is_awaited=True)
    _check_issuer_parameter(provider, endpoints, query)
    tokens = _exchange(provider, endpoints, code=code, secret=secret, state=state, back=back)
    if provider.kind == Kind.GITHUB:
        claims = github.claims_of(provider, str(tokens.get("access_token") or ""))
    else:
        claims = _believed(provider, endpoints, tokens, state, names_itself="iss" in query)
    with atomic():
        row = pending.on_its_way(provider_id=provider_id, state=state)
        return pending.keep_answer(row, claims)


def _endpoints(provider: IdentityProvider, *, is_awaited: bool = False) -> Endpoints:
    if provider.kind == Kind.GITHUB:
        return github.ENDPOINTS
    return discover(provider.issuer, is_awaited=is_awaited)


def _check_issuer_parameter(
    provider: IdentityProvider, endpoints: Endpoints, query: Mapping[str, str]
) -> None:
    """RFC 9207: who promised to name itself has to, and nobody may name another."""
    said = query.get("iss")
    is_silent = said is None and endpoints.names_itself
    if provider.kind == Kind.OIDC and (is_silent or (said or provider.issuer) != provider.issuer):
        raise SsoRefused(Reason.ISSUER, f"The answer names the issuer {str(said)[:200]}.")


def _exchange(
    provider: IdentityProvider, endpoints: Endpoints, *, code: str, secret: str, state: str, back: str
) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "client_id": provider.client_id,
        "client_secret": secret,
        "code_verifier": verifier_of(state),
    }
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    try:
        with client(endpoints.token, is_awaited=True) as outbound:
            answer = outbound.request(
                "POST", endpoints.token, headers=headers, content=urlencode(form).encode("ascii")
            )
        document = answer.json()
    except ExternalServiceError as error:
        raise SsoRefused(Reason.TOKEN_REFUSED, error.message) from error
    if not isinstance(document, dict) or not answer.is_success or document.get("error"):
        said = str(document.get("error", "") if isinstance(document, dict) else "")[:100]
        raise SsoRefused(Reason.TOKEN_REFUSED, f"The token endpoint answered {answer.status} {said}.")
    return document


def _believed(
    provider: IdentityProvider,
    endpoints: Endpoints,
    tokens: dict[str, Any],
    state: str,
    *,
    names_itself: bool,
) -> Claims:
    token = tokens.get("id_token")
    if not isinstance(token, str) or len(token) > 64 * 1024:
        raise SsoRefused(Reason.ID_TOKEN, "The provider sent no ID token.")
    said, algorithm = verified(
        provider, endpoints, token, what="ID token", required=_REQUIRED, is_awaited=True
    )
    if not hmac.compare_digest(str(said.get("nonce")), nonce_of(state)):
        raise SsoRefused(Reason.NONCE)
    audiences = said["aud"] if isinstance(said["aud"], list) else [said["aud"]]
    if (len(audiences) > 1 or "azp" in said) and said.get("azp") != provider.client_id:
        raise SsoRefused(Reason.AUDIENCE, "The ID token was issued for another application.")
    subject = said["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise SsoRefused(Reason.SUBJECT)
    is_limited = provider.preset == IdentityProvider.Preset.GOOGLE and bool(provider.organisation)
    if is_limited and said.get("hd") != provider.organisation:
        raise SsoRefused(Reason.ORGANISATION, f"The account is of {said.get('hd') or 'no organisation'}.")
    is_verified = said.get("email_verified")
    return Claims(
        subject=subject,
        email=str(said.get(provider.email_attribute or "email") or "")[:254],
        is_email_verified=is_verified if isinstance(is_verified, bool) else None,
        name=str(said.get(provider.name_attribute or "name") or "")[:120],
        groups=groups_in(said.get(provider.groups_attribute or "groups")),
        session_index=_session_of(said),
        evidence={
            "algorithm": algorithm,
            "iss_parameter": names_itself,
            "ends_sessions": bool(endpoints.end_session),
        },
    )


def _session_of(said: Mapping[str, Any]) -> str:
    """The provider's own name of the session (``sid``), by which it can end it later."""
    sid = said.get("sid")
    return sid if isinstance(sid, str) and len(sid) <= _LONGEST_SESSION else ""
