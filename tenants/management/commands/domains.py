"""``manage.py domains``: under which names a company is reached, what is missing, and looking them up now."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.accounts.access import SystemActor
from tenants.branding.domains.checking import LOST_AFTER, check_domain
from tenants.branding.domains.services import proof_of, target, visible_domains
from tenants.foundation.errors import DomainError
from tenants.models import CustomDomain, Tenant
from tenants.tenancy import atomic, tenant_scope

SHELL = SystemActor(name="shell")


class Command(BaseCommand):
    help = "Lists the domains of a company with the records that are missing; --check looks them up now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="the first label of the company's host name")
        parser.add_argument(
            "--check", nargs="?", const="", metavar="DOMAIN", help="look up one domain now, or all of them"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"There is no company {options['slug']}.")
        with tenant_scope(tenant.ref):
            if options["check"] is not None:
                self._check(options["check"])
            with atomic():
                facts = [facts_of(row, target()) for row in visible_domains(actor=SHELL)]
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        for each in facts:
            self.stdout.write(
                f"{each['domain']:<40} {each['state']}{', primary' if each['is_primary'] else ''}"
            )
            for line in each["missing"]:
                self.stdout.write(f"    {line}")
        if not facts:
            self.stdout.write("No domain of its own.")

    def _check(self, host: str) -> None:
        with atomic():
            rows = [row for row in visible_domains(actor=SHELL) if host in ("", row.host)]
        if host and not rows:
            raise CommandError(f"{host} is not on the company's list.")
        for row in rows:
            try:
                check_domain(domain_id=row.pk, actor=SHELL)
            except DomainError as error:
                self.stderr.write(f"{row.host}: {error.message}")


def facts_of(row: CustomDomain, leads_to: str) -> dict[str, Any]:
    """How a domain stands, as JSON values; ``missing`` says in sentences what has to be set."""
    record, value = proof_of(row)
    missing = []
    if row.state not in CustomDomain.PROVED or row.proof_problem:
        missing.append(f"TXT {record} = {value}" + (f" ({row.proof_problem})" if row.proof_problem else ""))
    if row.state != CustomDomain.State.ACTIVE or row.route_problem:
        missing.append(
            f"CNAME {row.host} = {leads_to}" + (f" ({row.route_problem})" if row.route_problem else "")
        )
    ends_at = row.missing_since + LOST_AFTER if row.missing_since else None
    return {
        "domain": row.host,
        "state": row.state,
        "is_primary": row.is_primary,
        "missing": missing,
        "ends_at": ends_at.isoformat() if ends_at else None,
        "checked_at": row.checked_at.isoformat() if row.checked_at else None,
    }
