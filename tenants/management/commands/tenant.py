"""``manage.py tenant``: how a company stands, and what an operator does about it, from the shell."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.accounts.access import SystemActor
from tenants.foundation.errors import DomainError
from tenants.lifecycle.standing import make_read_only, resume_company, suspend_company
from tenants.models import Operation, Tenant
from tenants.selectors import jobs_of

SHELL = SystemActor(name="shell")


class Command(BaseCommand):
    help = "Shows how a company stands, suspends it, makes it read-only or lets it go on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("status", "suspend", "resume", "read-only"))
        parser.add_argument("slug", help="the first label of the company's host name")
        parser.add_argument("--reason", default="", help="shown to the company's people")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        slug, reason = options["slug"], options["reason"]
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no company {slug}.")
        try:
            match options["action"]:
                case "suspend":
                    tenant = suspend_company(tenant_id=tenant.pk, reason=reason, actor=SHELL)
                case "read-only":
                    tenant = make_read_only(tenant_id=tenant.pk, reason=reason, actor=SHELL)
                case "resume":
                    tenant = resume_company(tenant_id=tenant.pk, actor=SHELL)
        except DomainError as error:
            raise CommandError(error.message) from error
        facts = standing_of(tenant)
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        for name, value in facts.items():
            self.stdout.write(f"{name.replace('_', ' '):<14} {'' if value is None else value}")


def standing_of(tenant: Tenant) -> dict[str, Any]:
    """How a company stands, as JSON values."""
    jobs = jobs_of(tenant)
    running = Operation.objects.filter(tenant_id=tenant.pk, state__in=Operation.OPEN).first()
    return {
        "slug": tenant.slug,
        "name": tenant.name,
        "state": tenant.state,
        "reason": tenant.state_reason,
        "since": tenant.state_changed_at.isoformat(),
        "delete_after": tenant.delete_after.isoformat() if tenant.delete_after else None,
        "cell": tenant.cell,
        "region": tenant.region,
        "jobs_waiting": jobs.waiting,
        "jobs_given_up": jobs.dead,
        "operation": f"{running.kind}: {running.step or running.state}" if running else None,
    }
