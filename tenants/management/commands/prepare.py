"""``manage.py prepare``: databases, shared tables, tenant template and every tenant brought to this release."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tenants.lifecycle.platform import ensure_platform
from tenants.tenancy.preparing import prepare


class Command(BaseCommand):
    requires_system_checks = []  # they connect to databases that this command is there to make
    help = "Brings databases, shared tables, the tenant template and every tenant to this release."

    def handle(self, *args: Any, **options: Any) -> None:
        done = prepare()
        ensure_platform()
        report = done.tenants
        self.stdout.write(
            f"Template {done.template_fingerprint[:12]}; tenants: {report.up_to_date} up to date, "
            f"{len(report.migrated)} migrated, {len(report.failed)} failed."
        )
        if not report.is_complete:
            raise CommandError(report.what_is_left)
