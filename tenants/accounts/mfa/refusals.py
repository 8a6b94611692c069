"""Why a passkey is refused: one word for programs, one sentence for the company's log, and nothing for the browser."""

from enum import StrEnum
from typing import Final

from tenants.accounts.models import User
from tenants.foundation.errors import InvalidInput


class PasskeyReason(StrEnum):
    """Every reason there is."""

    TOO_LARGE = "passkey_too_large"
    MALFORMED = "passkey_malformed"
    NO_CHALLENGE = "passkey_no_challenge"
    LATE = "passkey_late"
    REPLAY = "passkey_replay"
    TYPE = "passkey_type"
    CHALLENGE = "passkey_challenge"
    ORIGIN = "passkey_origin"
    FRAMED = "passkey_framed"
    RP_ID = "passkey_rp_id"
    NOT_PRESENT = "passkey_not_present"
    NOT_VERIFIED = "passkey_not_verified"
    ALGORITHM = "passkey_algorithm"
    SIGNATURE = "passkey_signature"
    UNKNOWN = "passkey_unknown"
    OTHER_HOST = "passkey_other_host"
    LOCKED = "passkey_locked"
    OTHER_PERSON = "passkey_other_person"
    DEACTIVATED = "passkey_deactivated"
    HANDLE = "passkey_handle"
    COUNT = "passkey_count"
    NO_CREDENTIAL = "passkey_no_credential"
    KNOWN_ALREADY = "passkey_known_already"


SENTENCES: Final[dict[PasskeyReason, str]] = {
    PasskeyReason.TOO_LARGE: "The browser's answer is larger than is accepted.",
    PasskeyReason.MALFORMED: "The browser's answer could not be read.",
    PasskeyReason.NO_CHALLENGE: "Nobody asked this browser for a passkey, or it answered twice.",
    PasskeyReason.LATE: "The answer came after more than five minutes.",
    PasskeyReason.REPLAY: "This answer was used before, in another window or by somebody who copied it.",
    PasskeyReason.TYPE: "The answer is of another kind: making a passkey and showing one are not the same.",
    PasskeyReason.CHALLENGE: "The answer is to another question than the one that was asked.",
    PasskeyReason.ORIGIN: "The passkey was shown to another page. Somebody may be imitating the sign-in page.",
    PasskeyReason.FRAMED: "The passkey was shown to a page inside a page of somebody else's.",
    PasskeyReason.RP_ID: "The device answered for another host.",
    PasskeyReason.NOT_PRESENT: "The device says that nobody was there.",
    PasskeyReason.NOT_VERIFIED: "The device did not ask its holder for a PIN, a finger or a face.",
    PasskeyReason.ALGORITHM: "The passkey uses an algorithm that was not offered.",
    PasskeyReason.SIGNATURE: "The signature was not made with this passkey.",
    PasskeyReason.UNKNOWN: "Nobody here has this passkey. It may have been removed, or be another company's.",
    PasskeyReason.OTHER_HOST: "This passkey was made for another host of the company's.",
    PasskeyReason.LOCKED: "This passkey is locked, as there may be a copy of it. Remove it and make a new one.",
    PasskeyReason.OTHER_PERSON: "This passkey is somebody else's than the person who is signing in.",
    PasskeyReason.DEACTIVATED: "The account of this passkey is deactivated.",
    PasskeyReason.HANDLE: "The device names another account than the one the passkey was made for.",
    PasskeyReason.COUNT: "The count of this passkey went back: there may be a copy. It is locked from now on.",
    PasskeyReason.NO_CREDENTIAL: "The answer holds no passkey, or one that is larger than is accepted.",
    PasskeyReason.KNOWN_ALREADY: "This passkey is set up already.",
}


class PasskeyRefused(InvalidInput):
    """What a browser sent was not accepted: the same sentence for every reason. The rest is for the company's log.

    ``user`` is whose passkey it claims to be, as far as that is known; ``subject`` the passkey's id.
    """

    default_code = "invalid_input.passkey"
    default_message = "This passkey was not accepted. Please try again."

    def __init__(
        self, reason: PasskeyReason, detail: str = "", *, user: User | None = None, subject: str = ""
    ) -> None:
        super().__init__()
        self.reason, self.user, self.subject = reason, user, subject
        self.detail = f"{SENTENCES[reason]} {detail}".strip()
