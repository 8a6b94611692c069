"""Whether a SAML response may let somebody in: python3-saml's checks, and ours before them."""

import base64
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.addresses import acs_url, entity_id
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.assertions import Assertion, read_assertion
from tenants.accounts.sso.saml.messages import decoded_post
from tenants.accounts.sso.saml.own_keys import own_keys, reading_keys
from tenants.accounts.sso.saml.settings import request_data, settings_for, usable_certificates
from tenants.accounts.sso.saml.signatures import check_signature_form, encryption_of

log = structlog.get_logger(__name__)

_NAMES: Final = Constants.NSMAP
_LIBRARY: Final = OneLogin_Saml2_ValidationError
# What the library may still find when our own checks have passed.
_REASONS: Final = {
    _LIBRARY.INVALID_XML_FORMAT: Reason.SCHEMA,
    _LIBRARY.INVALID_SIGNATURE: Reason.SIGNATURE,
    _LIBRARY.NO_SIGNED_ASSERTION: Reason.ASSERTION_UNSIGNED,
    _LIBRARY.NO_SIGNED_MESSAGE: Reason.MESSAGE_UNSIGNED,
    _LIBRARY.SESSION_EXPIRED: Reason.EXPIRED,
    _LIBRARY.SP_NAME_QUALIFIER_NAME_MISMATCH: Reason.NAME_ID,
    _LIBRARY.WRONG_NUMBER_OF_ASSERTIONS: Reason.ASSERTIONS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlAnswer:
    """What a response that was believed says."""

    assertion: Assertion
    request_id: str
    evidence: dict[str, Any] = field(default_factory=dict)


def check_response(*, provider: IdentityProvider, text: str, path: str, request_id: str | None) -> SamlAnswer:
    """Return what a posted response says, if all of it can be believed.

    ``request_id`` is the id of the request it must answer; None for one that nobody asked for.
    Raises: SsoRefused with the first reason found.
    """
    xml = decoded_post(text)
    root = parsed(xml)
    evidence = _check_envelope(root, provider, request_id)
    # Only now is anything decrypted: who could send us ciphertexts at will could make an oracle of the answers.
    response, settings = _opened(provider, xml, is_encrypted=bool(evidence["encryption"]))
    document = response.get_xml_document()
    element = _only_assertion(document)
    check_signature_form(element, missing=Reason.ASSERTION_UNSIGNED)
    assertion = read_assertion(
        element,
        issuer=provider.issuer,
        audience=entity_id(provider),
        recipient=acs_url(provider),
        request_id=request_id,
    )
    _check_by_library(response, settings, path, request_id)
    return SamlAnswer(
        assertion=assertion,
        request_id=request_id or "",
        evidence=evidence | assertion.evidence,
    )


def _opened(
    provider: IdentityProvider, xml: bytes, *, is_encrypted: bool
) -> tuple[OneLogin_Saml2_Response, OneLogin_Saml2_Settings]:
    """The response, decrypted with whichever of our keys it was encrypted for. Raises: SsoRefused."""
    failure: Exception | None = None
    for keys in reading_keys() if is_encrypted else [own_keys()]:
        settings = settings_for(provider, keys)
        try:
            return OneLogin_Saml2_Response(settings, base64.b64encode(xml).decode("ascii")), settings
        except (OneLogin_Saml2_Error, _LIBRARY, etree.XMLSyntaxError, ValueError) as error:
            failure = error
        except Exception as error:  # xmlsec's own errors have no common base that is exported
            log.info("sso.decryption_failed", error=type(error).__name__)
            failure = error
    raise SsoRefused(Reason.DECRYPTION) from failure


def parsed(xml: bytes) -> Any:
    """Return the root element. Raises: SsoRefused (malformed, with a document type)."""
    try:
        return Xml.to_etree(xml)
    except Exception as error:
        raise SsoRefused(Reason.MALFORMED, "The message is not well-formed XML.") from error


def request_answered_by(text: str) -> str:
    """The request id a response claims to answer; nothing of it is believed yet. Raises: SsoRefused."""
    return str(parsed(decoded_post(text)).get("InResponseTo") or "")


def _check_envelope(root: Any, provider: IdentityProvider, request_id: str | None) -> dict[str, Any]:
    """Check the outside of the response up to its signature, before anything in it is decrypted."""
    if root.tag != f"{{{Constants.NS_SAMLP}}}Response" or root.get("Version") != "2.0":
        raise SsoRefused(Reason.MALFORMED, "This is not a SAML 2.0 response.")
    _check_status(root)
    _only_assertion(root, may_be_encrypted=True)
    issuers = [Xml.element_text(node) for node in root.findall("saml:Issuer", _NAMES)]
    if issuers != [provider.issuer]:
        shown = ", ".join(str(issuer) for issuer in issuers) or "nobody"
        raise SsoRefused(
            Reason.ISSUER, f"The response was issued by {shown[:200]}, not by {provider.issuer}."
        )
    if not usable_certificates(provider):
        raise SsoRefused(Reason.CERTIFICATE)
    algorithm = check_signature_form(root, missing=Reason.MESSAGE_UNSIGNED)
    is_genuine = Utils.validate_sign(
        root, xpath=Utils.RESPONSE_SIGNATURE_XPATH, multicerts=usable_certificates(provider)
    )
    if not is_genuine:
        raise SsoRefused(Reason.SIGNATURE)
    if root.get("Destination") != acs_url(provider):
        raise SsoRefused(
            Reason.DESTINATION,
            f"The Destination is {root.get('Destination')!r}, ours is {acs_url(provider)!r}.",
        )
    if (root.get("InResponseTo") or None) != request_id:
        raise SsoRefused(Reason.IN_RESPONSE_TO if request_id else Reason.UNSOLICITED)
    return {"signature": algorithm, "encryption": encryption_of(root)}


def _check_status(root: Any) -> None:
    codes = [node.get("Value", "") for node in root.findall("samlp:Status//samlp:StatusCode", _NAMES)]
    if codes[:1] != [Constants.STATUS_SUCCESS]:
        said = ", ".join(code.rpartition(":")[2] for code in codes) or "nothing"
        raise SsoRefused(Reason.NOT_SUCCESS, f"The provider's status is {said[:200]}.")


def _only_assertion(root: Any, *, may_be_encrypted: bool = False) -> Any:
    """The one assertion, directly below the response; a second one anywhere, of any kind, is refused."""
    anywhere = Xml.query(root, "//saml:Assertion | //saml:EncryptedAssertion")
    direct = root.findall("saml:Assertion", _NAMES)
    if may_be_encrypted:
        direct += root.findall("saml:EncryptedAssertion", _NAMES)
    if len(anywhere) != 1 or len(direct) != 1:
        raise SsoRefused(Reason.ASSERTIONS)
    return direct[0]


def _check_by_library(
    response: OneLogin_Saml2_Response, settings: OneLogin_Saml2_Settings, path: str, request_id: str | None
) -> None:
    try:
        response.is_valid(request_data(path), request_id, raise_exceptions=True)
    except _LIBRARY as error:
        reason = _REASONS.get(error.code, Reason.MALFORMED)
        raise SsoRefused(reason, "" if reason != Reason.MALFORMED else str(error)[:300]) from error
    except Exception as error:
        log.warning("sso.response_unreadable", error=type(error).__name__)
        raise SsoRefused(Reason.MALFORMED) from error
