"""``manage.py move_tenant TENANT --to CELL``: moves a company to another cell while it works, or takes that back."""

import getpass
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from tenants.foundation.errors import Conflict, DomainError
from tenants.lifecycle.moving import KEEP_DAYS, move_tenant, open_move, undo_move
from tenants.lifecycle.operations import get_operation, left_operations
from tenants.models import Operation

LOOK_SECONDS, PATIENCE_SECONDS = 1.0, 600.0


class Command(BaseCommand):
    help = "Moves a company to another cell. It can be read all the time and written to but for the last seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="the company's slug")
        parser.add_argument("--to", metavar="CELL", help="the cell it is to live in")
        parser.add_argument(
            "--undo",
            action="store_true",
            help="take the last move back; one that is done is followed by a move back",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--change-region", action="store_true", help="the cell may be in another region than the company"
        )
        parser.add_argument(
            "--keep-days", type=int, default=KEEP_DAYS,
            help="days for which the old place is kept, closed to everybody (default %(default)s)",
        )  # fmt: skip
        parser.add_argument(
            "--wait-for-jobs", type=int, default=60, metavar="SECONDS",
            help="how long its running jobs may take to end (default %(default)s); then they begin anew",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["undo"] == bool(options["to"]):
            raise CommandError("Give either --to with a cell or --undo.")
        try:
            operation = self._work(options)
        except (DomainError, DatabaseError) as error:
            self._refuse(error, options)
        told = {
            "operation": str(operation.pk), "tenant": operation.tenant_slug, "state": operation.state,
            "from": operation.input["from"], "to": operation.input["to"], **operation.result,
        }  # fmt: skip
        self.stdout.write(json.dumps(told) if options["json"] else _sentence(operation))

    def _work(self, options: dict[str, Any]) -> Operation:
        asked_by = f"{getpass.getuser()} (shell)"
        if options["undo"]:
            return undo_move(slug=options["tenant"], asked_by=asked_by)
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return move_tenant(
                    slug=options["tenant"], to=options["to"], asked_by=asked_by, keep_days=options["keep_days"],
                    wait_for_jobs=options["wait_for_jobs"], may_change_region=options["change_region"],
                )  # fmt: skip
            except Conflict as error:
                # The workers are at it, or a process that was killed holds it for a minute.
                operation = open_move(options["tenant"])
                if error.code != "operations.under_way" or operation is None or time.monotonic() > until:
                    raise
                ended = self._watch(operation, until)
                if ended is not None:
                    return ended

    def _watch(self, operation: Operation, until: float) -> Operation | None:
        """Wait while somebody else works on it; returns it when they have moved the company."""
        while time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
            now = get_operation(operation.pk)
            if now.state == Operation.State.SUCCEEDED:
                return now
            if now.state not in Operation.OPEN or now.pk in left_operations():
                return None
        return None

    def _refuse(self, error: Exception, options: dict[str, Any]) -> None:
        text = error.message if isinstance(error, DomainError) else str(error).strip()
        details = getattr(error, "fields", None) or {}
        text = " ".join([text, *(line for lines in details.values() for line in lines)])
        if options["json"]:
            code = getattr(error, "code", "database")
            self.stdout.write(json.dumps({"tenant": options["tenant"], "error": text, "code": code}))
        raise CommandError(text) from error


def _sentence(operation: Operation) -> str:
    if operation.state == Operation.State.UNDONE:
        return f"The move was undone; {operation.tenant_slug} stays in {operation.input['from']}."
    done = operation.result
    kept = f" The old place is kept until {done['copy_kept_until']}." if done.get("copy_kept_until") else ""
    return (
        f"{operation.tenant_slug} lives in {operation.input['to']}: {done['rows']} rows of {done['tables']} tables, "
        f"the same in both places; nothing could be changed for {done['read_only_seconds']} s.{kept}"
    )
