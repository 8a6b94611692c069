"""``manage.py prepare``: databases, shared tables, tenant template and every tenant brought to this release."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.lifecycle.platform import ensure_platform
from tenants.tenancy.preparing import prepare


class Command(BaseCommand):
    requires_system_checks = []  # they connect to databases that this command is there to make
    help = "Brings databases, shared tables, the tenant template and every tenant to this release."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        done = prepare()
        ensure_platform()
        report = done.tenants
        told = {
            "template": done.template_fingerprint,
            "is_complete": report.is_complete,
            "tenants": asdict(report),
        }
        text = (
            f"Template {done.template_fingerprint[:12]}; tenants: {report.up_to_date} up to date, "
            f"{len(report.migrated)} migrated, {len(report.failed)} failed."
        )
        self.stdout.write(json.dumps(told) if options["json"] else text)
        if not report.is_complete:
            raise CommandError(report.what_is_left)
