"""The kinds of providers a company can choose from, and what each of them needs."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tenants.accounts.models import IdentityProvider
from tenants.foundation.errors import InvalidInput

Kind = IdentityProvider.Kind
_DIRECTORY: Final = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A choice on the set-up page."""

    kind: IdentityProvider.Kind
    label: str
    issuer: str = ""
    scopes: str = "openid email profile"
    where: str


PRESETS: Final[dict[str, Preset]] = {
    "saml": Preset(
        kind=Kind.SAML,
        label="SAML 2.0",
        where="Okta, Entra ID, Keycloak, OneLogin, Ping and others with SAML 2.0.",
    ),
    "google": Preset(
        kind=Kind.OIDC,
        label="Google",
        issuer="https://accounts.google.com",
        where="Google Workspace: a web client under APIs & Services, Credentials.",
    ),
    "microsoft": Preset(
        kind=Kind.OIDC,
        label="Microsoft",
        where="Microsoft Entra ID: an app registration of your own directory.",
    ),
    "github": Preset(
        kind=Kind.GITHUB,
        label="GitHub",
        issuer="https://github.com",
        scopes="read:user user:email read:org",
        where="GitHub: an OAuth app of your organisation.",
    ),
    "oidc": Preset(
        kind=Kind.OIDC,
        label="OpenID Connect",
        where="Any provider with discovery, PKCE and signed ID tokens.",
    ),
}


def issuer_of(preset: str, text: str) -> str:
    """Return the issuer for what was typed in. Raises: InvalidInput.

    Of Microsoft the directory's own id is asked: an issuer for everybody would let every directory's users in.
    """
    if preset == "saml":
        if not text or len(text) > 500:
            raise _invalid("Enter the entity ID of the provider.")
        return text
    if preset in {"google", "github"}:
        return PRESETS[preset].issuer
    if preset == "microsoft" and _DIRECTORY.match(text):
        return f"https://login.microsoftonline.com/{text.lower()}/v2.0"
    if preset == "microsoft" and not _DIRECTORY.match(text.removesuffix("/v2.0").rpartition("/")[2]):
        raise _invalid("Enter the directory (tenant) ID: 32 hexadecimal digits with dashes.")
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
    if not (parts.scheme == "https" or is_local) or not parts.hostname or parts.query or parts.fragment:
        raise _invalid("Enter the issuer as an https address, exactly as the provider writes it.")
    if parts.username is not None or len(text) > 500:
        raise _invalid("Enter the issuer as an https address, exactly as the provider writes it.")
    return text


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(text, fields={"issuer": [text]})
