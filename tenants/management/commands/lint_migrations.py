"""``manage.py lint_migrations``: refuses migrations that the release before would not survive."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.migrations.loader import MigrationLoader

from tenants.tenancy.linting.landed import file_of, land, own_migrations
from tenants.tenancy.linting.lint import LintReport, lint_migrations


class Command(BaseCommand):
    requires_system_checks = []  # they want databases; the lint reads files
    help = "Judges the migrations that have not landed; ends with 1 when one is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--land", action="store_true", help="a release is out: its migrations may not change any more"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = lint_migrations()
        self.stdout.write(json.dumps(report.as_json()) if options["json"] else in_words(report))
        if report.refused:
            raise CommandError(f"{len(report.refused)} refused.")
        if options["land"]:
            own = own_migrations(MigrationLoader(None))
            new = land({key: file_of(migration) for key, migration in own.items()})
            self.stdout.write(f"{len(new)} landed.")


def in_words(report: LintReport) -> str:
    """The report for people: each refusal with what to do instead, each exception with its reason."""
    lines: list[str] = []
    for finding in report.refused:
        where = f"{finding.file or finding.migration}: {finding.operation}".rstrip(": ")
        lines.append(f"{where}\n  {finding.rule}: {finding.problem}.\n  {finding.instead}")
    lines += [
        f"{finding.file}: {finding.operation}\n  allowed ({finding.rule}): {finding.reason}"
        for finding in report.allowed
    ]
    lines.append(
        f"{report.landed} landed, {len(report.judged)} judged, {len(report.refused)} refused, "
        f"{len(report.allowed)} allowed on purpose."
    )
    return "\n".join(lines)
