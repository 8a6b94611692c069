"""``manage.py isolation_probe``: attacks the walls between companies from inside one; any leak ends with code 1."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tenants.tenancy.probes.services import ProbeReport, probe_isolation


class Command(BaseCommand):
    help = "Attacks the walls between companies with two companies made for it; exits with 1 when one leaks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--cell", choices=settings.CELLS, help="only this cell; default: all")
        parser.add_argument("--record", action="store_true", help="keep the result as evidence")

    def handle(self, *args: Any, **options: Any) -> None:
        report = probe_isolation(
            [options["cell"]] if options["cell"] else None, is_recorded=options["record"]
        )
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self.tell(report)
        if not report.is_passed:
            sys.exit(1)

    def tell(self, report: ProbeReport) -> None:
        """The report for people: a line per probe, then what leaks."""
        for wall in report.walls:
            self.stdout.write(
                f"{wall.cell}  {wall.family}: {wall.probe} — refused by {wall.refused_by};"
                f" the database alone: {wall.database_alone}"
            )
        for leak in report.leaks:
            self.stderr.write(
                f"LEAK ({leak.wall}) {leak.cell}  {leak.family}: {leak.probe}: {'; '.join(leak.evidence)}"
            )
        self.stdout.write(f"{report.summary}.")
