"""``manage.py dead_letters``: shows work that was given up, runs it again or puts it away."""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError, connections

from tenants.dispatch.selectors import dead_letters
from tenants.dispatch.services import discard_dead_letter, retry_dead_letter
from tenants.foundation.errors import DomainError
from tenants.models import Tenant, WorkItem
from tenants.tenancy.states import require_open


class Command(BaseCommand):
    help = "Lists work that was given up; --retry and --discard act on it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", help="only this company (its slug)")
        parser.add_argument("--json", action="store_true", help="one JSON object per line")
        parser.add_argument("--force", action="store_true", help="retry though the company is closed")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--retry", metavar="ID", help="run it again; “all” for every one listed")
        action.add_argument("--discard", metavar="ID", help="remove it; “all” for every one listed")

    def handle(self, *args: Any, **options: Any) -> None:
        letters = self._letters(options["tenant"])
        wanted = options["retry"] or options["discard"]
        if not wanted:
            self._show(letters, as_json=options["json"])
            return
        act = retry_dead_letter if options["retry"] else discard_dead_letter
        chosen = [(cell, row) for cell, row in letters if wanted in ("all", str(row.pk))]
        if not chosen and wanted != "all":
            raise CommandError(f"There is no dead letter {wanted}.")
        states = dict(Tenant.objects.values_list("pk", "state")) if options["retry"] else {}
        slugs = dict(Tenant.objects.values_list("pk", "slug"))
        failed = 0
        for cell, row in chosen:
            try:
                if row.tenant_id in states:
                    require_open(slugs[row.tenant_id], states[row.tenant_id], force=options["force"])
                act(cell=cell, item_id=row.pk)
            except DomainError as error:
                failed += 1
                self.stderr.write(f"{row.pk}: {error.message}")
        done = len(chosen) - failed
        self.stdout.write(f"{done} {'to be run again' if options['retry'] else 'removed'}.")
        if failed:
            raise CommandError(f"{failed} could not be acted on.")

    def _letters(self, slug: str | None) -> list[tuple[str, WorkItem]]:
        if slug is None:
            return [letter for cell in settings.CELLS for letter in self._of_cell(cell)]
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"There is no company {slug}.")
        return [(tenant.cell, row) for row in dead_letters(tenant.cell, tenant_id=tenant.pk)]

    def _of_cell(self, cell: str) -> list[tuple[str, WorkItem]]:
        """The dead letters of one cell; of one that does not answer none, which is said."""
        try:
            return [(cell, row) for row in dead_letters(cell)]
        except (DatabaseError, InterfaceError) as error:
            connections[cell].close()
            self.stderr.write(f"{cell} does not answer: {str(error).strip()}")
            return []

    def _show(self, letters: list[tuple[str, WorkItem]], *, as_json: bool) -> None:
        slugs: dict[UUID, str] = dict(Tenant.objects.values_list("pk", "slug"))
        for cell, row in letters:
            line = {
                "id": str(row.pk),
                "cell": cell,
                "tenant": slugs.get(row.tenant_id, str(row.tenant_id)),
                "kind": row.kind,
                "attempts": row.attempts,
                "finished_at": row.finished_at.isoformat() if row.finished_at else None,
                "error": row.last_error,
            }
            text = f"{row.pk}  {line['tenant']:<16} {row.kind:<32} {row.attempts} attempts  {row.last_error}"
            self.stdout.write(json.dumps(line) if as_json else text)
        if not letters and not as_json:
            self.stdout.write("Nothing was given up.")
