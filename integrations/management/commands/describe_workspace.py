"""``manage.py describe_workspace``: what a company keeps in its workspaces, as markdown or JSON."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.describing.services import describe_workspace
from integrations.selectors import visible_connections
from tenants.accounts.access import SYSTEM
from tenants.models import Tenant
from tenants.tenancy import atomic, tenant_scope


class Command(BaseCommand):
    help = "Describes the workspaces a company has connected: databases, columns, relations, what fills what."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("company", help="the company's slug")
        parser.add_argument("--workspace", default="", help="only the workspace of this name")
        parser.add_argument("--json", action="store_true", help="the documents as JSON, one a line")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["company"]).first()
        if tenant is None:
            raise CommandError(f"There is no company {options['company']}.")
        with tenant_scope(tenant.ref), atomic():
            connections = visible_connections(actor=SYSTEM)
            if options["workspace"]:
                connections = connections.filter(name=options["workspace"])
            found = [
                describe_workspace(connection=each, actor=SYSTEM) for each in connections.order_by("name")
            ]
        if not found:
            raise CommandError("No such workspace is connected.")
        for each in found:
            text = {"version": each.version, **each.document}
            self.stdout.write(json.dumps(text, ensure_ascii=False) if options["json"] else each.markdown)
