"""``manage.py restore_tenant SLUG --to MOMENT``: brings one company back to a moment, or takes that back."""

import getpass
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tenants.foundation.errors import DomainError
from tenants.lifecycle.restoring.services import parse_moment, restore_tenant, take_restore_back
from tenants.models import Operation


class Command(BaseCommand):
    help = (
        "Brings one company's rows back to a moment, from the backups and the write-ahead log; nobody else's are "
        "touched. What it replaces is kept for RESTORE_KEEP_DAYS. The same command goes on with one that was killed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="the company's slug")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--to", metavar="MOMENT", help="with its zone: 2026-11-22T14:00:00Z")
        what.add_argument("--undo", action="store_true", help="take the latest restore back")
        parser.add_argument("--cell", help="the cell it lived in then, if not where it lives now")
        parser.add_argument(
            "--with-access",
            action="store_true",
            help="passwords, deactivated people and revoked tokens as they were then, too",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        asked_by = f"{getpass.getuser()} (shell)"
        try:
            if options["undo"]:
                operation = take_restore_back(slug=options["tenant"], asked_by=asked_by)
            else:
                operation = restore_tenant(
                    slug=options["tenant"], moment=parse_moment(options["to"]), asked_by=asked_by,
                    keeps_access=not options["with_access"], cell=options["cell"],
                )  # fmt: skip
        except (DomainError, DatabaseError) as error:
            self._refuse(error, options)
        told = {
            "operation": str(operation.pk), "tenant": operation.tenant_slug, "state": operation.state,
            **operation.result,
        }  # fmt: skip
        self.stdout.write(json.dumps(told) if options["json"] else sentence(operation))

    def _refuse(self, error: Exception, options: dict[str, Any]) -> None:
        fields: dict[str, list[str]] = getattr(error, "fields", {})
        words = error.message if isinstance(error, DomainError) else str(error).strip()
        text = " ".join([words, *(line for lines in fields.values() for line in lines)])
        if options["json"]:
            code = getattr(error, "code", "database")
            self.stdout.write(json.dumps({"tenant": options["tenant"], "error": text, "code": code}))
        raise CommandError(text) from error


def sentence(operation: Operation) -> str:
    """What came of it, for people."""
    done = operation.result
    if "takes_back" in done:
        return f"The restore of {operation.tenant_slug} was taken back."
    kept = " What it replaced is kept: --undo brings it back." if done.get("kept_schema") else ""
    return (
        f"{operation.tenant_slug} is as it was at {done['moment']}: {done['rows']} rows of {done['tables']} tables, "
        f"the same as in the backup.{kept}"
    )
