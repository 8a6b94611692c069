"""Single logout, both ways: sessions the provider ends here, and ours that end there."""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.utils import timezone
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response as LogoutResponse
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from tenants.accounts.keyed_hashes import keyed_hash
from tenants.accounts.models import IdentityProvider, SsoSession
from tenants.accounts.sso.addresses import slo_url
from tenants.accounts.sso.ending import end_provider_sessions
from tenants.accounts.sso.pending import use_assertion
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.assertions import moment
from tenants.accounts.sso.saml.messages import decoded_post, decoded_redirect
from tenants.accounts.sso.saml.own_keys import own_keys, reading_keys
from tenants.accounts.sso.saml.responses import parsed
from tenants.accounts.sso.saml.settings import request_data, settings_for, usable_certificates
from tenants.accounts.sso.saml.signatures import SIGNATURES, check_signature_form
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutMessage:
    """What arrived at our logout address, by either binding."""

    fields: dict[str, str]
    raw_query: str
    path: str
    is_post: bool = False


@atomic
def answer_logout_request(*, provider: IdentityProvider, message: LogoutMessage) -> LoggedOut:
    """End the sessions a signed LogoutRequest names; return the provider's address with our signed answer.

    Raises: SsoRefused. Nothing ends unless the NameID, and the SessionIndex if one is sent, are those of a session.
    """
    root = _genuine(provider, message, "SAMLRequest")
    until = moment(root.get("NotOnOrAfter"))
    if until is not None and until <= int(Utils.now()) - _SKEW:
        raise SsoRefused(Reason.EXPIRED)
    request_id = str(root.get("ID") or "")
    use_assertion(provider, f"logout {request_id}", timezone.now() + timedelta(days=1))
    name_id = _name_id(root)
    indexes = [str(each) for each in LogoutRequest.get_session_indexes(root)]
    ended = end_provider_sessions(provider, subject=name_id, indexes=indexes)
    if not ended:
        raise SsoRefused(Reason.NO_SESSION, subject=name_id[:200])
    auth = _auth(provider, message)
    builder = LogoutResponse(auth.get_settings())
    builder.build(request_id)
    answer = {"SAMLResponse": builder.get_response()}
    if message.fields.get("RelayState"):
        answer["RelayState"] = message.fields["RelayState"]
    auth.add_response_signature(answer, Constants.RSA_SHA256)
    return LoggedOut(provider, str(auth.redirect_to(provider.slo_url, answer)), ended, name_id)


def _name_id(root: Any) -> str:
    """Whom the request names, decrypted if need be. Raises: SsoRefused."""
    is_encrypted = root.find("saml:EncryptedID", Constants.NSMAP) is not None
    for keys in reading_keys() if is_encrypted else [own_keys()]:
        try:
            name = str(LogoutRequest.get_nameid(root, keys.private_key) or "")
        except Exception as error:  # the library's own errors and xmlsec's have no common base
            log.info("sso.name_id_unreadable", error=type(error).__name__)
            continue
        if name:
            return name
    raise SsoRefused(Reason.DECRYPTION if is_encrypted else Reason.NAME_ID)


@atomic
def check_logout_response(*, provider: IdentityProvider, message: LogoutMessage) -> None:
    """Check the provider's answer to a LogoutRequest of ours. Raises: SsoRefused."""
    root = _genuine(provider, message, "SAMLResponse")
    expected = _relay_state(str(root.get("InResponseTo") or ""))
    if not hmac.compare_digest(message.fields.get("RelayState", "").encode(), expected.encode()):
        raise SsoRefused(Reason.IN_RESPONSE_TO)
    code = root.find("samlp:Status/samlp:StatusCode", Constants.NSMAP)
    if code is None or code.get("Value") != Constants.STATUS_SUCCESS:
        raise SsoRefused(Reason.NOT_SUCCESS, "The provider says that the logout did not succeed everywhere.")


@atomic
def logout_address(session_key: str, path: str) -> tuple[str, IdentityProvider] | None:
    """Where to send somebody who signs out here; None when they came another way."""
    row = SsoSession.objects.select_related("identity__provider").filter(session_key=session_key).first()
    if row is None:
        return None
    provider = row.identity.provider
    row.delete()
    if provider.kind != IdentityProvider.Kind.SAML or not provider.slo_url or not provider.is_offered:
        return None
    auth = _auth(provider, LogoutMessage(fields={}, raw_query="", path=path))
    request = LogoutRequest(
        auth.get_settings(),
        name_id=row.name_id,
        session_index=row.session_index or None,
        name_id_format=row.name_id_format or None,
    )
    asked = {"SAMLRequest": request.get_request(), "RelayState": _relay_state(request.id)}
    auth.add_request_signature(asked, Constants.RSA_SHA256)
    return str(auth.redirect_to(provider.slo_url, asked)), provider


def _relay_state(request_id: str) -> str:
    """What comes back with the answer to a request of ours: it needs neither a row nor a cookie."""
    return keyed_hash("sso-logout", request_id).hex()


def _genuine(provider: IdentityProvider, message: LogoutMessage, name: str) -> Any:
    """The message's root element, once its signature, issuer and Destination were checked. Raises: SsoRefused."""
    text = message.fields.get(name, "")
    root = parsed(decoded_post(text) if message.is_post else decoded_redirect(text))
    wanted = "LogoutRequest" if name == "SAMLRequest" else "LogoutResponse"
    if root.tag != f"{{{Constants.NS_SAMLP}}}{wanted}":
        raise SsoRefused(Reason.MALFORMED, f"This is no {wanted}.")
    if not usable_certificates(provider):
        raise SsoRefused(Reason.CERTIFICATE)
    if message.is_post:
        check_signature_form(root, missing=Reason.MESSAGE_UNSIGNED)
        xpath = f"/samlp:{wanted}/ds:Signature"
        if not Utils.validate_sign(root, xpath=xpath, multicerts=usable_certificates(provider)):
            raise SsoRefused(Reason.SIGNATURE)
    else:
        _check_query_signature(provider, message, name)
    if root.get("Destination") != slo_url(provider):
        raise SsoRefused(Reason.DESTINATION)
    if [Xml.element_text(node) for node in root.findall("saml:Issuer", Constants.NSMAP)] != [provider.issuer]:
        raise SsoRefused(Reason.ISSUER)
    return root


def _check_query_signature(provider: IdentityProvider, message: LogoutMessage, name: str) -> None:
    if not message.fields.get("Signature"):
        raise SsoRefused(Reason.MESSAGE_UNSIGNED)
    if message.fields.get("SigAlg") not in SIGNATURES:
        raise SsoRefused(Reason.ALGORITHM)
    auth = _auth(provider, message)
    is_request = name == "SAMLRequest"
    check = auth.validate_request_signature if is_request else auth.validate_response_signature
    if not check(message.fields):
        raise SsoRefused(Reason.SIGNATURE)


def _auth(provider: IdentityProvider, message: LogoutMessage) -> OneLogin_Saml2_Auth:
    return OneLogin_Saml2_Auth(
        request_data(message.path, message.fields, message.raw_query),
        old_settings=settings_for(provider, own_keys()),
    )
