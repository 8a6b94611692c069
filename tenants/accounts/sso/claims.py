"""What a provider said about a person, in one form for every protocol."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso.saml.responses import SamlAnswer

_EMAIL: Final = (
    "email",
    "mail",
    "emailaddress",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
)
_NAME: Final = (
    "displayName",
    "name",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "urn:oid:2.16.840.1.113730.3.1.241",
)
_GROUPS: Final = ("groups", "memberOf", "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups")
_MOST_GROUPS: Final = 500
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who it is. ``is_email_verified`` is None where the provider does not say."""

    subject: str
    email: str = ""
    is_email_verified: bool | None = None
    name: str = ""
    groups: list[str] = field(default_factory=list)
    name_id_format: str = ""
    session_index: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The claims for the moment they are kept."""
        return asdict(self)


def claims_of_assertion(provider: IdentityProvider, answer: SamlAnswer) -> Claims:
    """Read a believed assertion by the names of the set-up, else by the usual ones."""
    said = answer.assertion.attributes
    email = _first(said, provider.email_attribute, _EMAIL)
    if not email and "@" in answer.assertion.name_id:
        email = answer.assertion.name_id
    first, last = (
        _first(said, "", ("firstName", "givenName")),
        _first(said, "", ("lastName", "surname", "sn")),
    )
    return Claims(
        subject=answer.assertion.name_id,
        email=email,
        name=_first(said, provider.name_attribute, _NAME) or f"{first} {last}".strip(),
        groups=_groups(said, provider.groups_attribute),
        name_id_format=answer.assertion.name_id_format,
        session_index=answer.assertion.session_index,
        evidence=answer.evidence,
    )


def groups_in(value: object) -> list[str]:
    """A list of group names from what a token held, whatever it was."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    return sorted(
        {str(each).strip()[:_LONGEST] for each in value[:_MOST_GROUPS] if isinstance(each, str | int)}
    )


def _first(said: dict[str, list[str]], named: str, usual: tuple[str, ...]) -> str:
    for name in (named,) if named else usual:
        if said.get(name):
            return said[name][0][:_LONGEST]
    return ""


def _groups(said: dict[str, list[str]], named: str) -> list[str]:
    for name in (named,) if named else _GROUPS:
        if said.get(name):
            # Some providers send one text with commas.
            parts = said[name][0].split(",") if len(said[name]) == 1 else said[name]
            return groups_in([part for part in parts if part.strip()])
    return []
