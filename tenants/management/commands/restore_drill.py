"""``manage.py restore_drill``: restores every server beside the live one and compares; the finding is evidence."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.backups.drill import run_restore_drill
from tenants.foundation.errors import DomainError


class Command(BaseCommand):
    help = "Proves that the backups can be restored. Ends with 1 when they cannot; nothing live is changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            evidence = run_restore_drill()
        except DomainError as error:
            raise CommandError(error.message) from error
        told = {"is_passed": evidence.is_passed, "summary": evidence.summary, **evidence.report}
        self.stdout.write(json.dumps(told) if options["json"] else evidence.summary)
        if not evidence.is_passed:
            raise CommandError("The backups could not be restored.")
