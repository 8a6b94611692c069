"""``manage.py migrate_tenants``: existing tenants follow the template; what is up to date is skipped."""

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.foundation.errors import DomainError
from tenants.tenancy.migrating.status import MigrationStatus, migration_status, scripts_to_send
from tenants.tenancy.migrations import MigrationReport, migrate_tenants
from tenants.tenancy.template import ensure_template


class Command(BaseCommand):
    help = "Applies what the ledger says each company lacks. --status and --dry-run only report."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--status", action="store_true", help="report how far all are and change nothing")
        parser.add_argument(
            "--dry-run", action="store_true", help="print the SQL that would be sent and change nothing"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--workers", type=int, default=4, help="companies migrated at once in each cell")
        parser.add_argument("--cell", action="append", help="only this cell; may be repeated")
        parser.add_argument("--tenant", action="append", help="only this company, by slug; may be repeated")
        parser.add_argument(
            "--canary", action="append", help="begin with this company (default: MIGRATION_CANARIES)"
        )
        parser.add_argument("--stop-after", type=int, help="begin nothing any more after this many failures")

        parser.add_argument(
            "--patience", type=float, default=60.0, help="seconds to wait for moves that are at their end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        cells = options["cell"]
        unknown = set(cells or ()) - set(settings.CELLS)
        if unknown:
            raise CommandError(
                f"There is no cell {', '.join(sorted(unknown))}; known: {', '.join(settings.CELLS)}."
            )
        numbers = (options["workers"], options["stop_after"])
        if any(number is not None and number < 1 for number in numbers):
            raise CommandError("--workers and --stop-after take numbers from 1 on.")
        if options["status"] or options["dry_run"]:
            self._only_report(cells, is_status=options["status"], as_json=options["json"])
            return
        ensure_template()
        try:
            report = migrate_tenants(
                cells=cells, workers=options["workers"], slugs=options["tenant"], canaries=options["canary"],
                stop_after=options["stop_after"], patience_seconds=options["patience"],
            )  # fmt: skip
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(json.dumps(asdict(report)) if options["json"] else summary(report))
        if not report.is_complete:
            raise CommandError(report.what_is_left)

    def _only_report(self, cells: list[str] | None, *, is_status: bool, as_json: bool) -> None:
        if not is_status:
            ensure_template()
        status = migration_status(cells)
        if is_status:
            self.stdout.write(json.dumps(status.as_json()) if as_json else in_words(status))
        else:
            self._show_scripts(status, as_json=as_json)
        if status.unreachable:
            raise CommandError(f"Nothing is known of {', '.join(status.unreachable)}: no answer from there.")

    def _show_scripts(self, status: MigrationStatus, *, as_json: bool) -> None:
        scripts = scripts_to_send(status)
        if as_json:
            keys = ("migration", "tenants", "sql")
            self.stdout.write(json.dumps([dict(zip(keys, script, strict=True)) for script in scripts]))
            return
        for name, many, text in scripts:
            self.stdout.write(f"-- {name}: {many} companies\n{text}\n")
        if not scripts:
            self.stdout.write("-- Nothing to do.")


def summary(report: MigrationReport) -> str:
    """One line on what a run did."""
    parts = [
        f"{report.up_to_date} up to date",
        f"{len(report.migrated)} migrated",
        f"{len(report.failed)} failed",
    ]
    if report.deferred:
        parts.append(f"{len(report.deferred)} being moved")
    if report.unreachable:
        parts.append(f"no answer from {', '.join(report.unreachable)}")
    if report.held_back:
        parts.append(f"{len(report.held_back)} not begun")
    return f"{', '.join(parts)}, in {report.seconds:.1f} s."


def in_words(status: MigrationStatus) -> str:
    """The status for people."""
    lines = [
        f"{cell}: {total['up_to_date']} of {total['tenants']} up to date"
        + (f", {total['behind']} behind" if total["behind"] else "")
        + (f", {total['moving']} being moved" if total["moving"] else "")
        for cell, total in status.cells.items()
    ]
    lines += [f"{cell}: does not answer ({error})" for cell, error in status.unreachable.items()]
    lines += [f"{name}: {many} companies lack it" for name, many in status.pending.items()]
    lines += [f"{one['tenant']} failed at {one['error']}" for one in status.failed]
    return "\n".join(lines)
