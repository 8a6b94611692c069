"""What python3-saml is told: strict in everything it can be strict in."""

from typing import Any, Final

from django.conf import settings as django_settings
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.addresses import acs_url, canonical_host, entity_id, slo_url
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.accounts.sso.saml.own_keys import KeyPair

REDIRECT: Final = Constants.BINDING_HTTP_REDIRECT


def usable_certificates(provider: IdentityProvider) -> list[str]:
    """The pinned certificates whose dates allow their use now, as PEM."""
    return [pem for pem in provider.certificates if facts_of(pem).is_valid_now]


def settings_for(
    provider: IdentityProvider, keys: KeyPair, *, next_certificate: str = "", is_for_metadata: bool = False
) -> OneLogin_Saml2_Settings:
    """Return the library's settings for one provider, on the company's canonical host.

    ``next_certificate`` is published beside the one in use. Metadata says that assertions may be encrypted for us.
    """
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "debug": False,
            "sp": {
                "entityId": entity_id(provider),
                "assertionConsumerService": {
                    "url": acs_url(provider),
                    "binding": Constants.BINDING_HTTP_POST,
                },
                "singleLogoutService": {"url": slo_url(provider), "binding": REDIRECT},
                "NameIDFormat": Constants.NAMEID_UNSPECIFIED,
                "x509cert": keys.certificate,
                "privateKey": keys.private_key,
                **({"x509certNew": next_certificate} if next_certificate else {}),
            },
            "idp": {
                "entityId": provider.issuer,
                "singleSignOnService": {"url": provider.sso_url, "binding": REDIRECT},
                "singleLogoutService": {"url": provider.slo_url, "binding": REDIRECT},
                "x509certMulti": {"signing": usable_certificates(provider), "encryption": []},
            },
            "security": {
                "authnRequestsSigned": True,
                "logoutRequestSigned": True,
                "logoutResponseSigned": True,
                "signMetadata": True,
                "wantMessagesSigned": True,
                "wantAssertionsSigned": True,
                "wantAssertionsEncrypted": is_for_metadata,
                "wantNameId": True,
                "wantAttributeStatement": False,
                "rejectDeprecatedAlgorithm": True,
                "requestedAuthnContext": False,
                "signatureAlgorithm": Constants.RSA_SHA256,
                "digestAlgorithm": Constants.SHA256,
            },
        },
        sp_validation_only=not usable_certificates(provider),
    )


def request_data(path: str, query: dict[str, str] | None = None, raw_query: str = "") -> dict[str, Any]:
    """The request as the library wants it, with the canonical host in place of the one that was asked."""
    return {
        "https": "on" if django_settings.PUBLIC_SCHEME == "https" else "off",
        "http_host": canonical_host(),
        "script_name": path,
        "get_data": query or {},
        "post_data": {},
        "query_string": raw_query,
        "validate_signature_from_qs": True,
    }
