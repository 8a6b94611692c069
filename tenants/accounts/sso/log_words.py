"""What stands in the log of single sign-on, in words: every event ever written there, and topics to choose by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

WORDS: Final[Mapping[str, Promise]] = {
    "sign_in": _("Sign-in"),
    "logout": _("Sign-out by the provider"),
    "own_credentials": _("Sign-in past the provider"),
    "role.withheld": _("Role of a group not given"),
    "test_link": _("Link for a test made"),
    "passkey_set_up": _("Passkey set up"),
    "passkey_sign_in": _("Sign-in with a passkey"),
    "passkey_second_factor": _("Passkey as second step"),
    "passkey_proof": _("Passkey asked for again"),
    "provider.created": _("Provider added"),
    "provider.changed": _("Set-up changed"),
    "provider.rules_changed": _("Groups and roles changed"),
    "provider.deleted": _("Provider removed"),
    "provider.draft": _("Provider switched off"),
    "provider.test": _("Provider in test mode"),
    "provider.active": _("Provider in use"),
    "provider.enforced": _("Single sign-on enforced"),
    "metadata.changed": _("Metadata of the provider differs"),
    "certificate.expires": _("Certificate runs out"),
    "sp_key.made": _("Our next key made"),
    "sp_key.in_use": _("Our next key put to use"),
    "sp_key.given_up": _("Our key given up"),
    "break_glass.named": _("Emergency owners named"),
    "break_glass.used": _("Emergency owner signed in"),
    "domain.added": _("E-mail domain added"),
    "domain.removed": _("E-mail domain removed"),
    "domain.pending": _("E-mail domain to be proved again"),
    "domain.verified": _("E-mail domain verified"),
    "domain.lost": _("E-mail domain lost"),
    "scim.key": _("Key of a directory not accepted"),
    "scim.key.ends": _("Key of a directory runs out"),
    "scim.key.ended": _("Key of a directory has run out"),
    "scim.directory.created": _("Directory added"),
    "scim.directory.changed": _("Rules of a directory changed"),
    "scim.directory.removed": _("Directory forgotten"),
    "scim.mapping.changed": _("Roles of groups changed"),
    "scim.held.approved": _("Held person shut out"),
    "scim.held.refused": _("Held person stays"),
    "scim.user.created": _("Person taken in"),
    "scim.user.taken_over": _("Account taken over"),
    "scim.user.changed": _("Person changed"),
    "scim.user.deactivated": _("Person shut out"),
    "scim.user.reactivated": _("Person let in again"),
    "scim.user.deleted": _("Person deleted there"),
    "scim.group.created": _("Group made"),
    "scim.group.changed": _("Group changed"),
    "scim.group.members": _("People of a group changed"),
    "scim.group.deleted": _("Group deleted there"),
}
# What a directory asked for and did not get, by the resource and the method.
_REFUSED: Final[Mapping[str, Promise]] = {
    "user.post": _("Taking a person in"),
    "user.put": _("Changing a person"),
    "user.patch": _("Changing a person"),
    "user.delete": _("Deleting a person"),
    "user.get": _("Reading people"),
    "group.post": _("Making a group"),
    "group.put": _("Changing a group"),
    "group.patch": _("Changing a group"),
    "group.delete": _("Deleting a group"),
    "group.get": _("Reading groups"),
    "bulk.post": _("Many changes in one message"),
}


@dataclass(frozen=True, slots=True)
class Topic:
    """Events that are looked at together: `starts` are how their codes begin."""

    code: str
    label: Promise
    starts: tuple[str, ...]

    @property
    def condition(self) -> Q:
        """Which entries of the log they are."""
        found = Q()
        for start in self.starts:
            found |= Q(event__startswith=start)
        return found


TOPICS: Final = (
    Topic(
        "sign-ins",
        _("Sign-ins and sign-outs"),
        ("sign_in", "logout", "own_credentials", "role.", "test_link"),
    ),
    Topic("passkeys", _("Passkeys"), ("passkey_",)),
    Topic("providers", _("Providers"), ("provider.", "metadata.")),
    Topic("keys", _("Keys and certificates"), ("sp_key.", "certificate.", "scim.key")),
    Topic("owners", _("Emergency owners"), ("break_glass.",)),
    Topic("domains", _("E-mail domains"), ("domain.",)),
    Topic("directories", _("Directories"), ("scim.",)),
)

OUTCOMES: Final[Mapping[str, Promise]] = {
    "accepted": _("Accepted"),
    "refused": _("Refused"),
    "changed": _("Changed"),
}


def words_of(event: str) -> str:
    """What an event is called on a page; of one that was written by a later version, that it is another one."""
    if event in WORDS:
        return str(WORDS[event])
    name, _dot, rest = event.partition(".")
    if name == "scim":
        return str(_REFUSED.get(rest) or gettext("Another request of a directory"))
    return gettext("Another event")


def topic_of(code: str) -> Topic | None:
    """The topic of this code, or None."""
    return next((topic for topic in TOPICS if topic.code == code), None)
