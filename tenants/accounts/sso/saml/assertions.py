"""What an assertion says, if every condition in it is met to the letter."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML as Xml

from tenants.accounts.sso.reasons import Reason, SsoRefused

SKEW_SECONDS: Final = 60
LONGEST_SECONDS: Final = 600
_NAMES: Final = Constants.NSMAP
_TRANSIENT: Final = Constants.NAMEID_TRANSIENT
_LONGEST_NAME: Final = 512
_MOST_VALUES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """Who signed in there. ``good_until`` is when nobody could use the assertion any more."""

    id: str
    name_id: str
    name_id_format: str
    session_index: str
    attributes: dict[str, list[str]]
    good_until: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


def read_assertion(
    element: Any, *, issuer: str, audience: str, recipient: str, request_id: str | None
) -> Assertion:
    """Read an assertion whose signature is checked elsewhere. Raises: SsoRefused."""
    now = int(datetime.now(UTC).timestamp())
    assertion_id = element.get("ID") or ""
    issuers = [Xml.element_text(node) for node in element.findall("saml:Issuer", _NAMES)]
    if not assertion_id or issuers != [issuer]:
        raise SsoRefused(Reason.ISSUER)
    until = _check_confirmation(element, recipient=recipient, request_id=request_id, now=now)
    _check_conditions(element, audience=audience, now=now)
    name_id, name_format = _name_id(element)
    statements = element.findall("saml:AuthnStatement", _NAMES)
    if len(statements) != 1:
        raise SsoRefused(Reason.AUTHN_STATEMENT)
    return Assertion(
        id=assertion_id,
        name_id=name_id,
        name_id_format=name_format,
        session_index=(statements[0].get("SessionIndex") or "")[:_LONGEST_NAME],
        attributes=_attributes(element),
        good_until=datetime.fromtimestamp(until + SKEW_SECONDS, UTC),
        evidence={"name_id_format": name_format, "seconds_valid": until - now},
    )


def _check_confirmation(element: Any, *, recipient: str, request_id: str | None, now: int) -> int:
    found = [
        node
        for node in element.findall("saml:Subject/saml:SubjectConfirmation", _NAMES)
        if node.get("Method") == Constants.CM_BEARER
    ]
    data = found[0].find("saml:SubjectConfirmationData", _NAMES) if len(found) == 1 else None
    if data is None:
        raise SsoRefused(Reason.RECIPIENT, "The assertion does not hold exactly one bearer confirmation.")
    if data.get("Recipient") != recipient:
        raise SsoRefused(
            Reason.RECIPIENT, f"The Recipient is {data.get('Recipient')!r}, ours is {recipient!r}."
        )
    if (data.get("InResponseTo") or None) != request_id:
        raise SsoRefused(Reason.IN_RESPONSE_TO)
    until = moment(data.get("NotOnOrAfter"))
    if until is None:
        raise SsoRefused(Reason.EXPIRY)
    if until <= now - SKEW_SECONDS:
        raise SsoRefused(Reason.EXPIRED)
    if until > now + LONGEST_SECONDS + SKEW_SECONDS:
        raise SsoRefused(Reason.LIFETIME)
    begin = moment(data.get("NotBefore"))
    if begin is not None and begin > now + SKEW_SECONDS:
        raise SsoRefused(Reason.TOO_EARLY)
    return until


def _check_conditions(element: Any, *, audience: str, now: int) -> None:
    conditions = element.findall("saml:Conditions", _NAMES)
    restrictions = conditions[0].findall("saml:AudienceRestriction", _NAMES) if len(conditions) == 1 else []
    if not restrictions:
        raise SsoRefused(Reason.AUDIENCE, f"The assertion names no audience. It has to be {audience}.")
    for restriction in restrictions:
        named = [Xml.element_text(node) for node in restriction.findall("saml:Audience", _NAMES)]
        if not named or any(each != audience for each in named):
            shown = ", ".join(str(each) for each in named)[:200] or "nobody"
            raise SsoRefused(Reason.AUDIENCE, f"The assertion is for {shown}, not for {audience}.")
    begin, end = moment(conditions[0].get("NotBefore")), moment(conditions[0].get("NotOnOrAfter"))
    if begin is not None and begin > now + SKEW_SECONDS:
        raise SsoRefused(Reason.TOO_EARLY)
    if end is None:
        raise SsoRefused(Reason.EXPIRY, "The conditions of the assertion have no NotOnOrAfter.")
    if end <= now - SKEW_SECONDS:
        raise SsoRefused(Reason.EXPIRED)


def _name_id(element: Any) -> tuple[str, str]:
    found = element.findall("saml:Subject/saml:NameID", _NAMES)
    text = (Xml.element_text(found[0]) or "").strip() if len(found) == 1 else ""
    if not text or len(text) > _LONGEST_NAME:
        raise SsoRefused(Reason.NAME_ID)
    name_format = found[0].get("Format") or ""
    if name_format == _TRANSIENT:
        raise SsoRefused(
            Reason.NAME_ID, "The NameID is transient: the person would be another one every time."
        )
    return text, name_format[:200]


def _attributes(element: Any) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for node in element.findall("saml:AttributeStatement/saml:Attribute", _NAMES):
        texts = [
            (Xml.element_text(value) or "").strip() for value in node.findall("saml:AttributeValue", _NAMES)
        ]
        kept = values.setdefault(str(node.get("Name") or ""), [])
        kept.extend(text for text in texts if text and len(kept) < _MOST_VALUES)
    return values


def moment(text: str | None) -> int | None:
    """Seconds since 1970 of a SAML time; None where there is none. Raises: SsoRefused (not a time)."""
    if not text:
        return None
    try:
        return int(Utils.parse_SAML_to_time(text))
    except Exception as error:
        raise SsoRefused(Reason.MALFORMED, "A time in the message cannot be read.") from error
