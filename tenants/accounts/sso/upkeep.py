"""What single sign-on needs once a day: records looked up again, certificates watched, old rows deleted."""

import structlog
from django.utils import timezone

from tenants.accounts.access import SYSTEM
from tenants.accounts.models import EmailDomain, SsoLogEntry
from tenants.accounts.sso import pending, sso_log
from tenants.accounts.sso.domains import check_domain
from tenants.accounts.sso.watching import read_all_again, warn_of_certificates
from tenants.foundation.dns import TxtResolver, txt_records
from tenants.tenancy import atomic

log = structlog.get_logger(__name__)


def look_after_sso(*, resolver: TxtResolver = txt_records) -> None:
    """Do it for the current company; call it outside any transaction, as name servers and providers are asked."""
    with atomic():
        verified = list(
            EmailDomain.objects.filter(state=EmailDomain.State.VERIFIED).values_list("pk", flat=True)
        )
    for domain_id in verified:
        check_domain(domain_id=domain_id, actor=SYSTEM, resolver=resolver)
    read_all_again()
    warn_of_certificates()
    pending.forget_old()
    with atomic():
        SsoLogEntry.objects.filter(at__lte=timezone.now() - sso_log.KEEP).delete()
