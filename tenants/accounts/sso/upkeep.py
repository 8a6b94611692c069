"""What single sign-on needs once a day: records looked up again, certificates watched, old rows deleted."""

from datetime import timedelta
from typing import Final

import structlog
from django.utils import timezone

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain, IdentityProvider, SsoLogEntry
from tenants.accounts.sso import pending, sso_log
from tenants.accounts.sso.domains import check_domain
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.foundation.dns import TxtResolver, txt_records
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)
_WARN_EVERY: Final = timedelta(days=6)
_EXPIRY: Final = "certificate.expires"


def look_after_sso(*, resolver: TxtResolver = txt_records) -> None:
    """Do it for the current company; call it outside any transaction, as name servers are asked."""
    with atomic():
        verified = list(
            EmailDomain.objects.filter(state=EmailDomain.State.VERIFIED).values_list("pk", flat=True)
        )
    for domain_id in verified:
        check_domain(domain_id=domain_id, actor=SYSTEM, resolver=resolver)
    warn_of_certificates()
    pending.forget_old()
    with atomic():
        SsoLogEntry.objects.filter(at__lte=timezone.now() - sso_log.KEEP).delete()


@atomic
def warn_of_certificates() -> int:
    """Say in the log, about once a week, which certificates run out within 30 days; return how many it were."""
    warned = 0
    since = timezone.now() - _WARN_EVERY
    for provider in IdentityProvider.objects.exclude(certificates=[]):
        ending = [facts for facts in map(facts_of, provider.certificates) if facts.runs_out_soon]
        is_known = SsoLogEntry.objects.filter(provider=provider, event=_EXPIRY, at__gt=since).exists()
        if not ending or is_known:
            continue
        days = ", ".join(f"{facts.not_after:%Y-%m-%d}" for facts in ending)
        sso_log.note(
            event=_EXPIRY,
            outcome=sso_log.Outcome.CHANGED,
            provider=provider,
            detail=f"A certificate of this provider runs out on {days}. Pin the next one beside it.",
        )
        warned += 1
    return warned
