"""Single logout, both ways: sessions the provider ends here, and ours that end there."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.contrib.sessions.models import Session
from django.utils import timezone
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from tenants.accounts.models import IdentityProvider, SsoSession
from tenants.accounts.sso.addresses import slo_url
from tenants.accounts.sso.pending import use_assertion
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.keys import own_keys
from tenants.accounts.sso.saml.messages import decoded_redirect
from tenants.accounts.sso.saml.responses import parsed
from tenants.accounts.sso.saml.settings import request_data, settings_for
from tenants.accounts.sso.saml.signatures import SIGNATURES
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
_SKEW: Final = 60


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """What a message of the provider led to: where the browser goes, and how many sessions ended."""

    provider: IdentityProvider
    address: str
    sessions: int
    name_id: str = ""


def provider_for_logout(provider_id: UUID) -> IdentityProvider:
    """The SAML provider, if it is set up for logout. Raises: SsoRefused."""
    provider = IdentityProvider.objects.filter(pk=provider_id, kind=IdentityProvider.Kind.SAML).first()
    if provider is None or not provider.slo_url or not provider.is_offered:
        raise SsoRefused(Reason.NOT_OFFERED)
    return provider


@atomic
def answer_logout_request(
    *, provider: IdentityProvider, query: dict[str, str], raw_query: str, path: str
) -> LoggedOut:
    """End the sessions a signed LogoutRequest names; return the provider's address with our signed answer.

    Raises: SsoRefused. Nothing ends unless the NameID, and the SessionIndex if one is sent, are those of a session.
    """
    xml = decoded_redirect(query.get("SAMLRequest", ""))
    auth = _auth(provider, query, raw_query, path)
    _check_query_signature(query, auth.validate_request_signature(query))
    root = parsed(xml)
    issuer = LogoutRequest.get_issuer(root)
    if issuer != provider.issuer:
        raise SsoRefused(Reason.ISSUER)
    _check_envelope(root, provider)
    until = root.get("NotOnOrAfter")
    if until and int(Utils.parse_SAML_to_time(until)) <= int(Utils.now()) - _SKEW:
        raise SsoRefused(Reason.EXPIRED)
    use_assertion(provider, f"logout {LogoutRequest.get_id(root)}", timezone.now() + timedelta(days=1))
    name_id = str(LogoutRequest.get_nameid(root, own_keys().private_key))
    ended = end_sessions(provider, name_id, [str(each) for each in LogoutRequest.get_session_indexes(root)])
    if not ended:
        raise SsoRefused(Reason.NO_SESSION, subject=name_id[:200])
    address = auth.process_slo(keep_local_session=True)
    if auth.get_errors():
        raise SsoRefused(Reason.MALFORMED, str(auth.get_last_error_reason() or "")[:300])
    return LoggedOut(provider, str(address), ended, name_id)


@atomic
def check_logout_response(
    *, provider: IdentityProvider, query: dict[str, str], raw_query: str, path: str, request_id: str
) -> None:
    """Check the provider's answer to our LogoutRequest. Raises: SsoRefused."""
    root = parsed(decoded_redirect(query.get("SAMLResponse", "")))
    auth = _auth(provider, query, raw_query, path)
    _check_query_signature(query, auth.validate_response_signature(query))
    _check_envelope(root, provider)
    if not request_id or root.get("InResponseTo") != request_id:
        raise SsoRefused(Reason.IN_RESPONSE_TO)
    auth.process_slo(keep_local_session=True, request_id=request_id)
    if auth.get_errors():
        raise SsoRefused(Reason.NOT_SUCCESS, str(auth.get_last_error_reason() or "")[:300])


@atomic
def logout_address(session_key: str, path: str) -> tuple[str, str, IdentityProvider] | None:
    """Where to send somebody who signs out here, and the id of the request; None when they came another way."""
    row = SsoSession.objects.select_related("identity__provider").filter(session_key=session_key).first()
    if row is None:
        return None
    provider = row.identity.provider
    if provider.kind != IdentityProvider.Kind.SAML or not provider.slo_url or not provider.is_offered:
        return None
    auth = OneLogin_Saml2_Auth(request_data(path), old_settings=settings_for(provider, own_keys()))
    address = auth.logout(
        return_to="",
        name_id=row.name_id,
        session_index=row.session_index or None,
        name_id_format=row.name_id_format or None,
    )
    row.delete()
    return str(address), str(auth.get_last_request_id()), provider


def end_sessions(provider: IdentityProvider, name_id: str, indexes: list[str]) -> int:
    """End the sessions a provider knows by these names; return how many it were."""
    rows = SsoSession.objects.filter(identity__provider=provider, name_id=name_id)
    if indexes:
        rows = rows.filter(session_index__in=indexes)
    keys = list(rows.values_list("session_key", flat=True))
    deleted, _ = Session.objects.filter(session_key__in=keys).delete()
    SsoSession.objects.filter(session_key__in=keys).delete()
    log.info("sso.sessions_ended", provider_id=provider.pk, sessions=deleted)
    return len(keys)


def _auth(
    provider: IdentityProvider, query: dict[str, str], raw_query: str, path: str
) -> OneLogin_Saml2_Auth:
    return OneLogin_Saml2_Auth(
        request_data(path, query, raw_query), old_settings=settings_for(provider, own_keys())
    )


def _check_query_signature(query: dict[str, str], is_genuine: bool) -> None:
    if not query.get("Signature"):
        raise SsoRefused(Reason.MESSAGE_UNSIGNED)
    if query.get("SigAlg") not in SIGNATURES:
        raise SsoRefused(Reason.ALGORITHM)
    if not is_genuine:
        raise SsoRefused(Reason.SIGNATURE)


def _check_envelope(root: object, provider: IdentityProvider) -> None:
    destination = getattr(root, "get")("Destination")  # noqa: B009 - an lxml element, which has no stubs
    if destination != slo_url(provider):
        raise SsoRefused(Reason.DESTINATION)
    issuers = [Xml.element_text(node) for node in Xml.query(root, "./saml:Issuer")]
    if issuers != [provider.issuer]:
        raise SsoRefused(Reason.ISSUER)
