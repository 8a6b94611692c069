"""What those who look after a company's domains are told by letter."""

from datetime import date, datetime
from enum import StrEnum
from typing import Final

import structlog
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.holders import people_holding
from tenants.branding.domains.names import shown
from tenants.dispatch import enqueue
from tenants.foundation.letters import LetterKind, Variable, register_letter, write_letter
from tenants.models import CustomDomain
from tenants.permissions import MANAGE_DOMAINS
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import canonical_address

log = structlog.get_logger(__name__)

POST_NOTICE: Final = "branding.tell_of_domain"


class Notice(StrEnum):
    """The letters there are."""

    MISSING = "missing"
    SUSPENDED = "suspended"
    RESTORED = "restored"


_HOST: Final = Variable(name="host", meaning=_("The domain"), sample="tasks.acme.example", is_required=True)
_COMPANY: Final = Variable(name="company", meaning=_("The company's name"), sample="Acme")
_LINK: Final = Variable(
    name="link",
    meaning=_("Where it is mended"),
    sample="https://acme.example/settings/domains/",
    is_required=True,
    is_link=True,
)
_DAY: Final = Variable(name="day", meaning=_("When it stops"), sample="2 January 2027")
KINDS: Final = {
    Notice.MISSING: LetterKind(
        code="domain_missing",
        title=_("A domain's record is missing"),
        description=_("Sent when the record that proves a domain cannot be found any more."),
        subject=_("{{ host }} will stop working"),
        body=_(
            "The TXT record that proves that {{ host }} is yours cannot be found any more.\n\n"
            "If it is not set again by {{ day }}, {{ company }} is no longer reached under this name.\n\n"
            "{{ link }}"
        ),
        button=_("See what to set"),
        variables=(_HOST, _COMPANY, _DAY, _LINK),
    ),
    Notice.SUSPENDED: LetterKind(
        code="domain_suspended",
        title=_("A domain was suspended"),
        description=_("Sent when a domain's record was missing for seven days."),
        subject=_("{{ host }} was suspended"),
        body=_(
            "The record that proves that {{ host }} is yours was missing for seven days. {{ company }} is no longer "
            "reached under this name, and everybody who was signed in there has been signed out.\n\n"
            "Set the record again and look it up, and the name works as before.\n\n{{ link }}"
        ),
        button=_("See what to set"),
        variables=(_HOST, _COMPANY, _LINK),
    ),
    Notice.RESTORED: LetterKind(
        code="domain_restored",
        title=_("A domain works again"),
        description=_("Sent when a missing record was found again."),
        subject=_("{{ host }} is proved again"),
        body=_(
            "The record that proves that {{ host }} is yours was found again. Nothing is left to do.\n\n{{ link }}"
        ),
        button=_("See your domains"),
        variables=(_HOST, _COMPANY, _LINK),
    ),
}


def register() -> None:
    """Make the letters known."""
    register_letter(*KINDS.values())


def tell(row: CustomDomain, notice: Notice, *, ends: datetime | None = None) -> None:
    """Have those who look after domains told, after the open transaction's commit; ``ends``: when the name stops."""
    payload = {"notice": notice.value, "host": row.host, "day": ends.date().isoformat() if ends else ""}
    enqueue(POST_NOTICE, object_id=row.pk, payload=payload)


def post(notice: Notice, host: str, day: str) -> int:
    """Send the letters; how many. Outside any transaction. Raises: ExternalServiceError."""
    tenant, kind = current_tenant(), KINDS[notice]
    with atomic():
        facts = {
            "host": shown(host),
            "company": tenant.name,
            "day": date.fromisoformat(day) if day else None,
            "link": canonical_address(reverse("domains:domains")),
        }
        named = {name: facts[name] for name in kind.names}
        letters = [
            write_letter(kind.code, to=each.email, facts=named, language=each.language or tenant.language)
            for each in people_holding(MANAGE_DOMAINS)
        ]
    for letter in letters:
        letter.send()
    log.info("custom_domain.told", notice=notice.value, host=host, readers=len(letters))
    return len(letters)
