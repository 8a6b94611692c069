"""Why a sign-in through a provider is refused: one word for programs, one sentence for the administrator's log."""

from enum import StrEnum
from typing import Final

from tenants.foundation.errors import DomainError


class Reason(StrEnum):
    """Every reason there is. The browser never learns which one it was."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    DTD = "dtd"
    NOT_SUCCESS = "not_success"
    NOT_OFFERED = "not_offered"
    UNKNOWN_STATE = "unknown_state"
    OTHER_BROWSER = "other_browser"
    UNSOLICITED = "unsolicited"
    IN_RESPONSE_TO = "in_response_to"
    ISSUER = "issuer"
    DESTINATION = "destination"
    RECIPIENT = "recipient"
    AUDIENCE = "audience"
    EXPIRY = "expiry"
    EXPIRED = "expired"
    TOO_EARLY = "too_early"
    LIFETIME = "lifetime"
    MESSAGE_UNSIGNED = "message_unsigned"
    ASSERTION_UNSIGNED = "assertion_unsigned"
    SIGNATURE = "signature"
    ALGORITHM = "algorithm"
    CERTIFICATE = "certificate"
    ASSERTIONS = "assertions"
    AUTHN_STATEMENT = "authn_statement"
    ENCRYPTION = "encryption"
    DECRYPTION = "decryption"
    SCHEMA = "schema"
    NAME_ID = "name_id"
    REPLAY = "replay"
    PROVIDER_ERROR = "provider_error"
    DISCOVERY = "discovery"
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason
    ID_TOKEN = "id_token"  # noqa: S105 - a reason
    NONCE = "nonce"
    SUBJECT = "subject"
    EMAIL_MISSING = "email_missing"
    EMAIL_UNVERIFIED = "email_unverified"
    EMAIL_DOMAIN = "email_domain"
    EMAIL_TAKEN = "email_taken"
    NO_ACCOUNT = "no_account"
    DEACTIVATED = "deactivated"
    ORGANISATION = "organisation"
    NO_SESSION = "no_session"
    PASSWORD = "password"  # noqa: S105 - a reason
    CHANGED = "changed"
    LOGOUT_TOKEN = "logout_token"  # noqa: S105 - a reason
    SEPARATION = "separation"


SENTENCES: Final[dict[Reason, str]] = {
    Reason.MALFORMED: "The message could not be read.",
    Reason.TOO_LARGE: "The message is larger than is accepted.",
    Reason.DTD: "The message declares a document type, which is never accepted.",
    Reason.NOT_SUCCESS: "The provider says that the sign-in did not succeed. Its own log says why.",
    Reason.NOT_OFFERED: "This provider is not switched on.",
    Reason.UNKNOWN_STATE: "The answer belongs to no sign-in that is under way: it took too long, or came twice.",
    Reason.OTHER_BROWSER: "The answer came in another browser than the one the sign-in began in.",
    Reason.UNSOLICITED: "Nobody here asked for this answer, and sign-ins that begin at the provider are off.",
    Reason.IN_RESPONSE_TO: "The answer is to another request than the one that was sent.",
    Reason.ISSUER: "The answer was issued by somebody else. Compare the entity ID or issuer with the set-up.",
    Reason.DESTINATION: "The Destination is not exactly our assertion consumer address.",
    Reason.RECIPIENT: "The Recipient is not exactly our assertion consumer address.",
    Reason.AUDIENCE: "The audience is missing or is not our entity ID. Set it at the provider.",
    Reason.EXPIRY: "The assertion has no NotOnOrAfter.",
    Reason.EXPIRED: "The assertion has run out. Check the clock of the provider.",
    Reason.TOO_EARLY: "The assertion is not valid yet. Check the clock of the provider.",
    Reason.LIFETIME: "The assertion is valid for more than ten minutes. Shorten it at the provider.",
    Reason.MESSAGE_UNSIGNED: "The response is not signed. Have the provider sign response and assertion.",
    Reason.ASSERTION_UNSIGNED: "The assertion is not signed. Have the provider sign response and assertion.",
    Reason.SIGNATURE: "The signature was not made with a certificate of the set-up. Has the provider changed it?",
    Reason.ALGORITHM: "The signature uses an algorithm that is not accepted. Use SHA-256 or better.",
    Reason.CERTIFICATE: "No certificate of the provider is valid now. Read its metadata again.",
    Reason.ASSERTIONS: "The response does not hold exactly one assertion in its place.",
    Reason.AUTHN_STATEMENT: "The assertion does not hold exactly one authentication statement.",
    Reason.ENCRYPTION: "The encryption is not accepted. Use AES-GCM, or sign the response outside.",
    Reason.DECRYPTION: "The assertion was not encrypted for our certificate.",
    Reason.SCHEMA: "The response does not follow the SAML schema.",
    Reason.NAME_ID: "The NameID is missing or transient. Have the provider send a persistent one.",
    Reason.REPLAY: "This assertion or token was used before.",
    Reason.PROVIDER_ERROR: "The provider sent an error in place of an answer.",
    Reason.DISCOVERY: "The provider's configuration could not be read or names another issuer.",
    Reason.TOKEN_REFUSED: "The provider did not exchange the code. Check client ID, secret and redirect URI.",
    Reason.ID_TOKEN: "The ID token is not valid.",
    Reason.NONCE: "The ID token belongs to another sign-in.",
    Reason.SUBJECT: "The provider named no lasting subject.",
    Reason.EMAIL_MISSING: "The provider sent no e-mail address. Add it to what it sends.",
    Reason.EMAIL_UNVERIFIED: "The provider says that the e-mail address is not verified.",
    Reason.EMAIL_DOMAIN: "The e-mail address is of no domain the company has verified.",
    Reason.EMAIL_TAKEN: "The e-mail address belongs to somebody who is another subject at this provider.",
    Reason.NO_ACCOUNT: "There is no account for this person, and accounts are not made by signing in.",
    Reason.DEACTIVATED: "The account is deactivated.",
    Reason.ORGANISATION: "The person is not in the organisation of the set-up.",
    Reason.NO_SESSION: "No session here belongs to who is to be signed out.",
    Reason.PASSWORD: "Single sign-on is enforced: only break-glass owners may use a credential of their own.",
    Reason.CHANGED: "The set-up was changed while the sign-in was under way.",
    Reason.LOGOUT_TOKEN: "The logout token is not valid.",
    Reason.SEPARATION: "A group gives a role that stays apart from another duty of the person. Change one of them.",
}


class SsoRefused(DomainError):
    """A sign-in that goes no further. ``reason`` and ``detail`` are for the company's log only."""

    default_code = "forbidden.sso"
    default_message = "The sign-in did not work. Your administrator can see why in the single sign-on log."

    def __init__(self, reason: Reason, detail: str = "", *, subject: str = "") -> None:
        super().__init__()
        self.reason, self.subject = reason, subject
        self.detail = detail or SENTENCES[reason]
