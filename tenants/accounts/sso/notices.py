"""Letters about single sign-on: to everybody who looks after it, but for who did it themselves."""

from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access.holders import people_holding
from tenants.accounts.models import SsoLogEntry
from tenants.accounts.sso.letter_kinds import NOTICE
from tenants.foundation.letters import Letter, write_letter
from tenants.tenancy import atomic, current_tenant
from tenants.tenancy.addresses import primary_address

PERMISSION: Final = "accounts.manage_sso"
# What happened, in words; an event that is not here has no letter.
WHAT: Final = {
    "certificate.expires": _("A certificate runs out soon"),
    "metadata.changed": _("A provider's metadata has changed"),
    "provider.changed": _("The set-up of a provider in use was changed"),
    "provider.rules_changed": _("The groups and roles of a provider in use were changed"),
    "provider.deleted": _("A provider in use was removed"),
    "provider.draft": _("A provider was switched off"),
    "provider.test": _("A provider was switched off and is in test mode"),
    "provider.active": _("Single sign-on is not enforced any more"),
    "provider.enforced": _("Single sign-on is enforced now"),
    "break_glass.named": _("The emergency owners were named"),
    "break_glass.used": _("An emergency owner signed in past single sign-on"),
    "domain.lost": _("An e-mail domain is not proved any more"),
}


def send_notices(entry_id: UUID) -> int:
    """Write and send the letters about an entry of the log; return how many went out.

    Raises: ExternalServiceError (the job is repeated: somebody may get a letter twice, nobody none).
    """
    with atomic():
        entry = SsoLogEntry.objects.select_related("user").filter(pk=entry_id).first()
        letters = _letters(entry) if entry is not None and entry.event in WHAT else []
    for letter in letters:
        letter.send()
    return len(letters)


def _letters(entry: SsoLogEntry) -> list[Letter]:
    tenant = current_tenant()
    facts = {
        "company": tenant.name, "what": str(WHAT[entry.event]), "provider": entry.provider_name,
        "detail": entry.detail, "who": entry.user.name if entry.user else "",
        "link": primary_address(reverse("accounts:identity_providers")),
    }  # fmt: skip
    return [
        write_letter(NOTICE.code, to=person.email, language=person.language or tenant.language, facts=facts)
        for person in people_holding(PERMISSION)
        if person.pk != entry.user_id
    ]
