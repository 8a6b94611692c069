"""``manage.py migrate_tenants``: existing tenants follow the template; what is up to date is skipped."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.tenancy.migrations import migrate_tenants, pending_migrations
from tenants.tenancy.template import ensure_template


class Command(BaseCommand):
    help = "Applies what the ledger says each tenant lacks. --status only reports."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--status", action="store_true", help="report and change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--workers", type=int, default=2, help="tenants migrated at once")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["status"]:
            pending = {
                str(tenant): [".".join(key) for key in keys]
                for cell in settings.CELLS
                for tenant, keys in pending_migrations(cell).items()
            }
            text = f"{len(pending)} tenants lack migrations."
            self.stdout.write(json.dumps({"pending": pending}) if options["json"] else text)
            return
        ensure_template()
        report = migrate_tenants(workers=options["workers"])
        result = {"up_to_date": report.up_to_date, "migrated": report.migrated, "failed": report.failed}
        text = (
            f"{report.up_to_date} up to date, {len(report.migrated)} migrated, {len(report.failed)} failed."
        )
        self.stdout.write(json.dumps(result) if options["json"] else text)
        if report.failed:
            raise CommandError(f"Failed: {', '.join(report.failed)}")
