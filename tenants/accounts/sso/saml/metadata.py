"""Reading a provider's metadata, and writing ours."""

from dataclasses import dataclass
from typing import Any, Final

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from tenants.accounts.models import IdentityProvider
from tenants.accounts.models.identity_provider import MAX_CERTIFICATES
from tenants.accounts.sso.reasons import SsoRefused
from tenants.accounts.sso.saml.certificates import facts_of, normal_certificate
from tenants.accounts.sso.saml.messages import checked_xml
from tenants.accounts.sso.saml.own_keys import next_certificate, own_keys
from tenants.accounts.sso.saml.settings import settings_for
from tenants.foundation.errors import InvalidInput
from tenants.foundation.http import OutboundClient, Timeouts

_NAMES: Final = Constants.NSMAP
_MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What a provider says of itself."""

    issuer: str
    sso_url: str
    slo_url: str
    certificates: list[str]


def fetch_metadata(url: str) -> bytes:
    """Fetch a metadata document through the guarded client; call it outside any transaction.

    Raises: ExternalServiceError (unreachable, not public, too large), InvalidInput (an error page).
    """
    limits = Timeouts(connect_seconds=5, read_seconds=5, total_seconds=8)
    with OutboundClient(service="The provider", timeouts=limits, max_response_bytes=_MOST_BYTES) as client:
        answer = client.request(
            "GET", url, headers={"accept": "application/samlmetadata+xml, application/xml"}
        )
    if not answer.is_success:
        raise _invalid(f"The address answered with status {answer.status}. Open it in a browser to see why.")
    return answer.body


def read_metadata(xml: bytes) -> ProviderMetadata:
    """Read a document of exactly one provider. Raises: InvalidInput with what is missing."""
    root = _root(xml)
    tag = etree.QName(root).localname if isinstance(root.tag, str) else ""
    if tag == "EntitiesDescriptor":
        inside = [node for node in root.findall("md:EntityDescriptor", _NAMES) if _idp(node) is not None]
        if len(inside) != 1:
            raise _invalid("The document describes several providers. Use the metadata of yours only.")
        root = inside[0]
    descriptor = _idp(root)
    issuer = str(root.get("entityID") or "")
    if descriptor is None or not issuer or len(issuer) > 500:
        raise _invalid("The document describes no identity provider. Is it the metadata of a service?")
    certificates = []
    for key in descriptor.findall("md:KeyDescriptor", _NAMES):
        if key.get("use") in {None, "signing"}:
            texts = [Xml.element_text(node) for node in key.findall(".//ds:X509Certificate", _NAMES)]
            certificates += [normal_certificate(text) for text in texts if text]
    kept = sorted(dict.fromkeys(certificates), key=lambda pem: facts_of(pem).not_after, reverse=True)
    if not kept:
        raise _invalid("The document holds no certificate for signatures.")
    sso_url = _location(descriptor, "SingleSignOnService")
    if not sso_url:
        raise _invalid("The provider offers no sign-in by the Redirect binding (HTTP-Redirect).")
    return ProviderMetadata(
        issuer=issuer,
        sso_url=sso_url,
        slo_url=_location(descriptor, "SingleLogoutService"),
        certificates=kept[:MAX_CERTIFICATES],
    )


def our_metadata(provider: IdentityProvider) -> str:
    """Our own metadata towards one provider, signed: with the next certificate too while keys are rolled over."""
    settings = settings_for(provider, own_keys(), next_certificate=next_certificate(), is_for_metadata=True)
    return str(settings.get_sp_metadata().decode("utf-8"))


def _root(xml: bytes) -> Any:
    try:
        if len(xml) > _MOST_BYTES:
            raise _invalid("The document is larger than a megabyte.")
        return Xml.to_etree(checked_xml(xml.strip()))
    except SsoRefused as refused:
        raise _invalid(f"{refused.detail} This cannot be used as metadata.") from refused
    except InvalidInput:
        raise
    except Exception as error:
        raise _invalid("This is not well-formed XML. Paste the whole document.") from error


def _idp(node: Any) -> Any:
    found = node.findall("md:IDPSSODescriptor", _NAMES)
    return found[0] if len(found) == 1 else None


def _location(descriptor: Any, name: str) -> str:
    for node in descriptor.findall(f"md:{name}", _NAMES):
        location = str(node.get("Location") or "")
        if node.get("Binding") == Constants.BINDING_HTTP_REDIRECT and len(location) <= 1000:
            return location
    return ""


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, code="invalid_input.metadata", fields={"metadata": [text]})
