"""``manage.py audit_schemas``: every company's schema is what the template says, or what differs is named."""

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation.errors import DomainError
from tenants.tenancy.audit import AuditReport, audit_schemas


class Command(BaseCommand):
    help = "Compares every schema with the template; ends with 1 when one differs. The result is kept as evidence."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--cell", action="append", help="only this cell; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        unknown = set(options["cell"] or ()) - set(settings.CELLS)
        if unknown:
            raise CommandError(
                f"There is no cell {', '.join(sorted(unknown))}; known: {', '.join(settings.CELLS)}."
            )
        try:
            report = audit_schemas(options["cell"])
        except DomainError as error:
            raise CommandError(error.message) from error
        result = {"is_passed": report.is_passed, **asdict(report)}
        self.stdout.write(json.dumps(result) if options["json"] else in_words(report))
        if not report.is_passed:
            raise CommandError(report.summary)


def in_words(report: AuditReport) -> str:
    """The report for people: what differs, by the schemas that share it."""
    lines: list[str] = []
    for drift in report.drift:
        lines += [f"{', '.join(drift.schemas)}:", *(f"  {difference}" for difference in drift.differences)]
    if report.behind:
        lines.append(f"Not compared, for they lack migrations: {', '.join(report.behind)}")
    if report.left_out:
        lines.append(f"Not compared, for they are being moved: {', '.join(report.left_out)}")
    return "\n".join([*lines, f"{report.summary} {report.seconds:.1f} s."])
